/** Clusters of Samsa and Apache Kafka nodes: replicas, leaders and coordinators on either side, controllers of one or the other. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { freePortPair } from "../../support/broker-process.ts";
import { KAFKA_CLUSTER_ID, KafkaProcess } from "../../support/kafka-process.ts";
import { faults, segmentsDigest, write } from "../../support/kafka-records.ts";
import { type DescribedPartition, partitionsIn, SamsaCluster } from "../../support/kafka-samsa-cluster.ts";
import { SamsaNode } from "../../support/kafka-samsa-node.ts";
import { ToolBelt } from "../../support/kafka-tool-belt.ts";
import { requireKafkaTools } from "../../support/kafka-tools.ts";

const PARTITIONS = 4;

describe("a cluster of Samsa and Apache Kafka nodes", function () {
  this.timeout(90_000);
  this.bail(true);

  before(function () {
    requireKafkaTools(this);
  });

  describe("a broker of Kafka's under Samsa's controllers", () => {
    let cluster: SamsaCluster;
    let kafka: KafkaProcess;
    let written = 0;

    before(async function () {
      this.timeout(300_000);
      cluster = await SamsaCluster.start({ properties: { "offsets.topic.num.partitions": 2 } });
      const { tools } = cluster;
      const shape = ["--partitions", String(PARTITIONS), "--replication-factor", "3"];
      await tools.ask("kafka-topics", "--create", "--topic", "shared", ...shape, "--config", "min.insync.replicas=2");
      await more(1000);
      const port = await freePortPair();
      kafka = await KafkaProcess.start({
        port,
        nodeId: 4,
        formatArguments: ["-t", cluster.clusterId],
        properties: {
          "process.roles": "broker",
          listeners: `PLAINTEXT://127.0.0.1:${port}`,
          "controller.quorum.bootstrap.servers": cluster.nodes.map(node => node.controllerAddress).join(","),
          // Everybody computes from it who coordinates a group.
          "offsets.topic.num.partitions": 2,
        },
      });
    });

    after(async () => {
      await kafka?.dispose();
      await cluster?.dispose();
    });

    /** Writes, and finds all that was ever written, by way of one of ours and of theirs. */
    async function more(count: number, ...readFrom: string[]): Promise<void> {
      await write(cluster.node(1).address, "shared", count, written);
      written += count;
      for (const address of readFrom) expect(await faults(address, "shared", written), address).to.deep.equal([]);
    }

    const elect = async (leader: number): Promise<void> => {
      const preferred = ["--election-type", "preferred", "--all-topic-partitions"];
      await cluster.tools.ask("kafka-leader-election", ...preferred).catch(() => {});
      await cluster.untilDescribed("shared", partitions => partitions.every(found => found.leader === leader));
    };

    const reassign = async (name: string, replicas: readonly number[]): Promise<void> => {
      const plan = cluster.writeJson(name, {
        version: 1,
        partitions: Array.from({ length: PARTITIONS }, (_, partition) => ({ topic: "shared", partition, replicas })),
      });
      const words = ["--reassignment-json-file", plan];
      await cluster.tools.ask("kafka-reassign-partitions", "--execute", ...words);
      const isDone = (printed: string) => printed.split("is completed").length > PARTITIONS;
      await cluster.tools.until(isDone, "kafka-reassign-partitions", "--verify", ...words);
    };

    it("registers, and is listed by all", async () => {
      await cluster.tools.until(text => /^4 .* unfenced +broker/m.test(text), "kafka-cluster", "list-endpoints");
      const replication = await cluster.tools.ask("kafka-metadata-quorum", "describe", "--replication");
      expect(replication).to.match(/^4\s.*Observer/m);
    });

    it("takes replicas from Samsa's leaders", async () => {
      await reassign("in.json", [4, 1, 2]);
      await more(1000, cluster.node(3).address, kafka.address);
      await cluster.whole("shared");
    });

    it("leads partitions that Samsa's brokers follow", async () => {
      await elect(4);
      await more(1000, cluster.node(3).address, kafka.address);
      await cluster.whole("shared");
    });

    it("coordinates groups, and gives them back", async () => {
      const plan = cluster.writeJson("offsets.json", {
        version: 1,
        partitions: [0, 1].map(partition => ({ topic: "__consumer_offsets", partition, replicas: [4, 1, 2] })),
      });
      await consumed("before");
      await cluster.tools.ask("kafka-reassign-partitions", "--execute", "--reassignment-json-file", plan);
      const isThere = (all: readonly { leader: number | null; isr: readonly number[] }[]) =>
        all.every(({ leader, isr }) => leader === 4 && isr.length === 3);
      const isMoved = (printed: string) => printed.includes("No partition reassignments found");
      await cluster.tools.until(isMoved, "kafka-reassign-partitions", "--list");
      const preferred = ["--election-type", "preferred", "--all-topic-partitions"];
      await cluster.tools.ask("kafka-leader-election", ...preferred);
      await cluster.untilDescribed("__consumer_offsets", isThere);
      await untilCommitted("before", written);
      await consumed("under-kafka");
    });

    it("killed with -9, is replaced by Samsa's brokers, which lack nothing, offsets of groups included", async () => {
      await kafka.kill("SIGKILL");
      await cluster.untilDescribed("shared", all => all.every(({ leader }) => leader === 1 || leader === 2));
      await more(1000, cluster.node(3).address);
      await untilCommitted("under-kafka", written - 1000);
    });

    it("comes back, cuts what it has too much, follows and leads again", async () => {
      await kafka.restart();
      await cluster.whole("shared");
      await elect(4);
      await more(1000, cluster.node(3).address, kafka.address);
    });

    it("stops cleanly, with its leaderships moved before", async () => {
      await kafka.stop();
      for (const { leader, isr } of await cluster.describe("shared")) {
        expect(leader).to.be.oneOf([1, 2]);
        expect(isr).to.have.members([1, 2]);
      }
    });

    it("was never taken for silent, though it speaks every two seconds only", () => {
      const silences = cluster.nodes.flatMap(({ output }) =>
        output.split("\n").filter(line => /broker\.fenced brokerId=4 .*session/.test(line)),
      );
      expect(silences).to.deep.equal([]);
    });

    it("holds the same bytes as Samsa's replicas", async () => {
      for (const id of [1, 2]) await cluster.node(id).stop();
      for (let partition = 0; partition < PARTITIONS; partition++) {
        const name = `shared-${partition}`;
        const ours = segmentsDigest(cluster.node(1).dataDir, name);
        expect(ours)
          .to.be.a("string")
          .and.not.match(/^0 bytes/);
        expect(segmentsDigest(cluster.node(2).dataDir, name)).to.equal(ours);
        expect(segmentsDigest(kafka.dataDir, name)).to.equal(ours);
      }
    });

    /** Reads all of the topic as a group, and commits that. */
    async function consumed(group: string): Promise<void> {
      const limits = ["--max-messages", String(written), "--timeout-ms", "60000"];
      const words = ["--topic", "shared", "--group", group, "--from-beginning", ...limits];
      const lines = (await cluster.tools.ask("kafka-console-consumer", ...words)).trim().split("\n");
      expect(new Set(lines).size).to.equal(written);
      await untilCommitted(group, written);
    }

    /** Resolves when the group has committed so much. A coordinator that has just moved needs a moment. */
    async function untilCommitted(group: string, expected: number): Promise<void> {
      const sum = (printed: string) =>
        [...printed.matchAll(/ shared +\d+ +(\d+) /g)].reduce((total, [, offset]) => total + Number(offset), 0);
      const isThere = (printed: string) => sum(printed) === expected;
      await cluster.tools.until(isThere, "kafka-consumer-groups", "--describe", "--group", group);
    }
  });

  describe("brokers of Samsa's under Apache Kafka's controller", () => {
    let kafka: KafkaProcess;
    let folder = "";
    let tools: ToolBelt;
    const nodes: SamsaNode[] = [];
    let written = 0;

    before(async function () {
      this.timeout(300_000);
      const properties = { "offsets.topic.num.partitions": 2, "offsets.topic.replication.factor": 3 };
      // A broker that comes back waits for the end of the session before.
      const sessions = { "broker.session.timeout.ms": 2000 };
      kafka = await KafkaProcess.start({ nodeId: 10, properties: { ...properties, ...sessions } });
      folder = mkdtempSync(join(tmpdir(), "samsa-interop-"));
      tools = new ToolBelt(() => [kafka, ...nodes].map(({ address }) => address).join(","));
      // What only Kafka's brokers can be asked for yet: it has to stay in the metadata of ours.
      const users = ["--entity-type", "users", "--entity-name", "alice"];
      await tools.ask("kafka-configs", "--alter", ...users, "--add-config", "producer_byte_rate=1000000");
      await tools.ask("kafka-configs", "--alter", ...users, "--add-config", "SCRAM-SHA-256=[password=secret]");
      for (const id of [11, 12]) {
        const { port, roles } = { port: await freePortPair(), roles: "broker" as const };
        const controllers = `127.0.0.1:${kafka.port + 10_000}`;
        const node = new SamsaNode({
          ...{ id, folder, port, roles },
          properties: {
            ...{ "controller.quorum.bootstrap.servers": controllers, ...properties },
            "metadata.log.max.record.bytes.between.snapshots": 4000,
          },
        });
        await tools.ask("kafka-storage", "format", "-t", KAFKA_CLUSTER_ID, "-c", node.propertiesFile);
        await node.start();
        nodes.push(node);
      }
    });

    after(async () => {
      await Promise.all([...nodes.map(node => node.kill("SIGKILL")), kafka?.dispose(), tools?.close()]);
      if (folder !== "") rmSync(folder, { recursive: true, force: true });
    });

    const described = async (isWanted: (all: readonly DescribedPartition[]) => boolean) =>
      partitionsIn(
        await tools.until(text => isWanted(partitionsIn(text)), "kafka-topics", "--describe", "--topic", "shared"),
      );
    const isWhole = (all: readonly DescribedPartition[]): boolean =>
      all.every(({ leader, isr, replicas }) => leader !== null && isr.length === replicas.length);

    async function more(count: number): Promise<void> {
      await write(nodes[0]!.address, "shared", count, written);
      written += count;
      for (const address of [kafka.address, nodes[0]!.address])
        expect(await faults(address, "shared", written), address).to.deep.equal([]);
    }

    it("register, and pass on what clients ask of the controller", async () => {
      const listed = await tools.ask("kafka-cluster", "list-endpoints");
      for (const id of [10, 11, 12]) expect(listed).to.match(new RegExp(`^${id} .* unfenced +broker`, "m"));
      const direct = ["--bootstrap-server", nodes[0]!.address];
      const shape = ["--partitions", String(PARTITIONS), "--replication-factor", "3"];
      await tools.ask("kafka-topics", ...direct, "--create", "--topic", "shared", ...shape);
      await tools.ask(
        "kafka-configs",
        ...direct,
        "--alter",
        "--topic",
        "shared",
        "--add-config",
        "min.insync.replicas=2",
      );
      expect(await tools.ask("kafka-metadata-quorum", ...direct, "describe", "--status")).to.match(/LeaderId: +10/);
    });

    it("lead and follow beside Kafka's", async () => {
      await more(1000);
      const leaders = new Set((await described(isWhole)).map(({ leader }) => leader));
      expect([...leaders].sort()).to.deep.equal([10, 11, 12]);
    });

    it("take over replicas and leaderships by Kafka's tools", async () => {
      const path = join(folder, "plan.json");
      const replicas = [11, 12, 10];
      const partitions = Array.from({ length: PARTITIONS }, (_, index) => ({
        topic: "shared",
        partition: index,
        replicas,
      }));
      writeFileSync(path, JSON.stringify({ version: 1, partitions }));
      await tools.ask("kafka-reassign-partitions", "--execute", "--reassignment-json-file", path);
      await tools.ask("kafka-leader-election", "--election-type", "preferred", "--all-topic-partitions");
      await described(all => isWhole(all) && all.every(({ leader }) => leader === 11));
      await more(1000);
    });

    it("stop cleanly, with their leaderships moved before", async () => {
      await nodes[1]!.stop();
      const all = await described(found => found.every(({ isr }) => isr.length === 2));
      for (const { leader } of all) expect(leader).to.be.oneOf([10, 11]);
      await more(1000);
      await nodes[1]!.start();
      await described(isWhole);
    });

    it("killed with -9, come back and catch up", async () => {
      await nodes[1]!.kill("SIGKILL");
      await nodes[1]!.start();
      await more(1000);
      await described(isWhole);
    });

    it("keep what they have no use for yet in their snapshots: quotas and SCRAM credentials", async () => {
      const metadata = join(nodes[0]!.dataDir, "__cluster_metadata-0");
      const snapshot = readdirSync(metadata)
        .filter(name => name.endsWith(".checkpoint"))
        .sort()
        .at(-1)!;
      const path = join(metadata, snapshot);
      const dumped = await tools.ask("kafka-dump-log", "--cluster-metadata-decoder", "--files", path);
      expect(dumped).to.contain('"type":"CLIENT_QUOTA_RECORD"').and.contain('"type":"USER_SCRAM_CREDENTIAL_RECORD"');
    });
  });
});
