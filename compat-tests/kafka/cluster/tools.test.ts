/** Apache Kafka's tools on a cluster of three nodes that they formatted themselves. The steps build on each other. */
import { cpSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { metadataShell } from "../../support/kafka-metadata-shell.ts";
import { faults, segmentsDigest, write } from "../../support/kafka-records.ts";
import { type DescribedPartition, SamsaCluster } from "../../support/kafka-samsa-cluster.ts";
import type { SamsaNode } from "../../support/kafka-samsa-node.ts";
import type { ToolBelt } from "../../support/kafka-tool-belt.ts";
import { requireKafkaTools } from "../../support/kafka-tools.ts";
import { field, hasReplica, rows, voters } from "../../support/metadata-quorum-output.ts";

const SETTINGS = {
  "min.insync.replicas": 1,
  "leader.imbalance.check.interval.seconds": 3600,
  // Snapshots all the time.
  "metadata.log.max.record.bytes.between.snapshots": 4000,
};
const RECORDS = 3000;
const PARTITIONS = 6;

describe("Apache Kafka's tools on a cluster of Samsa nodes", function () {
  this.timeout(60_000);
  this.bail(true);
  let cluster: SamsaCluster;
  let tools: ToolBelt;

  before(async function () {
    this.timeout(300_000);
    requireKafkaTools(this);
    cluster = await SamsaCluster.start({ properties: SETTINGS });
    tools = cluster.tools;
    await tools.ask("kafka-topics", "--create", "--topic", "orders", "--partitions", "6", "--replication-factor", "3");
    await write(cluster.node(1).address, "orders", RECORDS);
  });

  after(async () => {
    await cluster?.dispose();
  });

  const quorum = (...args: string[]): Promise<string> => tools.ask("kafka-metadata-quorum", ...args);

  describe("kafka-metadata-quorum", () => {
    it("describes the quorum that kafka-storage named, asked through brokers and through controllers", async () => {
      const voters = cluster.nodes.map(({ id, directoryId, controllerAddress }) => ({
        id,
        directoryId,
        endpoints: [`CONTROLLER://${controllerAddress}`],
      }));
      const direct = ["--bootstrap-controller", cluster.node(2).controllerAddress];
      for (const status of [await quorum("describe", "--status"), await quorum(...direct, "describe", "--status")]) {
        expect(field(status, "ClusterId")).to.equal(cluster.clusterId);
        expect(JSON.parse(field(status, "CurrentVoters"))).to.deep.equal(voters);
        expect(field(status, "CurrentObservers")).to.equal("[]");
        expect(Number(field(status, "LeaderId"))).to.be.oneOf([1, 2, 3]);
      }
    });

    it("describes replicas, for people and as data", async () => {
      const replicas = rows(await quorum("describe", "--replication"));
      expect(replicas.map(([id]) => id).sort()).to.deep.equal(["1", "2", "3"]);
      expect(replicas.map(row => row.at(-1)).sort()).to.deep.equal(["Follower", "Follower", "Leader"]);
      for (const [id, directoryId, end, lag, fetchedMs] of replicas) {
        expect(directoryId).to.equal(cluster.node(Number(id)).directoryId);
        expect(Number(end)).to.be.above(10);
        expect(Number(lag)).to.be.within(0, 10);
        expect(Math.abs(Date.now() - Number(fetchedMs))).to.be.below(10_000);
      }
      expect(await quorum("describe", "--replication", "--human-readable")).to.match(/\d+ ms ago/);
    });

    it("adds a controller, from a snapshot and the log behind it, and only once", async () => {
      const node = await cluster.join(4, "broker,controller");
      await tools.until(hasReplica(4, "Observer"), "kafka-metadata-quorum", "describe", "--replication");
      const add = ["--command-config", node.propertiesFile, "add-controller"];
      expect(await quorum(...add)).to.contain(`Added controller 4 with directory id ${node.directoryId}`);
      expect(await voterIds()).to.deep.equal([1, 2, 3, 4]);
      await tools.until(hasReplica(4, "Follower"), "kafka-metadata-quorum", "describe", "--replication");
      expect(await tools.refusal("kafka-metadata-quorum", ...add)).to.contain("DuplicateVoterException");
    });

    it("removes the controller that leads, and another one leads", async () => {
      const leader = cluster.node(Number(field(await quorum("describe", "--status"), "LeaderId")));
      const remove = removal(leader);
      expect(await quorum(...remove)).to.contain(`controller ${leader.id} with directory id ${leader.directoryId}`);
      const status = await tools.until(
        text => ![String(leader.id), "-1"].includes(field(text, "LeaderId")),
        ...(["kafka-metadata-quorum", "describe", "--status"] as const),
      );
      expect(voters(status)).to.deep.equal([1, 2, 3, 4].filter(id => id !== leader.id));
      expect(await tools.refusal("kafka-metadata-quorum", ...remove)).to.contain("VoterNotFoundException");
      await tools.until(hasReplica(leader.id, "Observer"), "kafka-metadata-quorum", "describe", "--replication");
      await quorum("--command-config", leader.propertiesFile, "add-controller");
      await quorum(...removal(cluster.node(4)));
      expect(await voterIds()).to.deep.equal([1, 2, 3]);
    });

    const removal = ({ id, directoryId }: SamsaNode): string[] => [
      ...["remove-controller", "--controller-id", String(id), "--controller-directory-id", directoryId],
    ];
    const voterIds = async (): Promise<number[]> => voters(await quorum("describe", "--status"));
  });

  describe("kafka-reassign-partitions", () => {
    const plan = (name: string, assignment: readonly (readonly number[])[]): string => {
      const partitions = assignment.map((replicas, partition) => ({ topic: "orders", partition, replicas }));
      return cluster.writeJson(name, { version: 1, partitions });
    };
    const reassign = (...args: string[]): Promise<string> => tools.ask("kafka-reassign-partitions", ...args);

    it("--generate proposes an assignment over the brokers it is given", async () => {
      const topics = cluster.writeJson("topics.json", { version: 1, topics: [{ topic: "orders" }] });
      const printed = await reassign("--generate", "--topics-to-move-json-file", topics, "--broker-list", "1,2,4");
      const [current, proposed] = [...printed.matchAll(/^\{.*\}$/gm)].map(([json]) => JSON.parse(json));
      expect(current.partitions).to.have.length(PARTITIONS);
      expect(current.partitions[0].log_dirs).to.have.length(3);
      const ids = new Set(proposed.partitions.flatMap(({ replicas }: { replicas: number[] }) => replicas));
      expect([...ids].sort()).to.deep.equal([1, 2, 4]);
    });

    it("--execute with a throttle that holds it back, --list, and --cancel", async () => {
      const before = await cluster.describe("orders");
      const target = plan(
        "slow.json",
        before.map(() => [4, 1, 2]),
      );
      await reassign("--execute", "--reassignment-json-file", target, "--throttle", "1000");
      expect(await reassign("--list")).to.match(/orders-0: replicas: [\d,]+\. adding: 4\. removing: 3\./);
      const configs = await tools.ask("kafka-configs", "--describe", "--entity-type", "brokers", "--entity-name", "4");
      expect(configs).to.contain("follower.replication.throttled.rate=1000");
      const topic = await tools.ask("kafka-configs", "--describe", "--topic", "orders");
      expect(topic).to.contain("follower.replication.throttled.replicas=0:4");
      const again = await tools.refusal(
        "kafka-reassign-partitions",
        ...["--execute", "--reassignment-json-file", target, "--throttle", "1000"],
      );
      expect(again).to.match(/existing .*assignment/);

      const cancelled = await reassign("--cancel", "--reassignment-json-file", target);
      expect(cancelled).to.contain("Successfully cancelled partition reassignments for: orders-0");
      expect(await reassign("--list")).to.contain("No partition reassignments found");
      const after = await cluster.whole("orders");
      // Which is the preferred one is not remembered, as in Kafka.
      for (const [index, { replicas }] of after.entries())
        expect(replicas).to.have.members([...before[index]!.replicas]);
    });

    it("--execute to the end, and --verify, which lifts the throttle", async () => {
      const target = plan(
        "move.json",
        Array.from({ length: PARTITIONS }, (_, index) => [4, 1 + (index % 3)]),
      );
      await reassign("--execute", "--reassignment-json-file", target, "--throttle", "100000000");
      const verify = ["--verify", "--reassignment-json-file", target];
      const verified = await tools.until(
        text => text.split("is completed").length > PARTITIONS,
        ...(["kafka-reassign-partitions", ...verify] as const),
      );
      expect(verified).to.contain("Clearing broker-level throttles on brokers 1,2,3,4");
      expect(await tools.ask("kafka-configs", "--describe", "--entity-type", "brokers")).not.to.contain("throttled");
      expect(await tools.ask("kafka-configs", "--describe", "--topic", "orders")).not.to.contain("throttled");
      for (const { replicas } of await cluster.whole("orders")) expect(replicas).to.include(4).and.have.length(2);
      expect(await faults(cluster.node(4).address, "orders", RECORDS)).to.deep.equal([]);
    });
  });

  describe("kafka-leader-election", () => {
    it("elects preferred leaders", async () => {
      await tools.ask("kafka-leader-election", "--election-type", "preferred", "--all-topic-partitions");
      for (const { leader } of await cluster.describe("orders")) expect(leader).to.equal(4);
      expect(await faults(cluster.node(1).address, "orders", RECORDS)).to.deep.equal([]);
    });

    it("elects a leader out of sync when asked for an unclean election, not for a preferred one", async () => {
      await tools.ask("kafka-topics", "--create", "--topic", "unclean", "--replica-assignment", "4:2");
      await cluster.node(2).stop();
      await write(cluster.node(4).address, "unclean", 10);
      await cluster.untilDescribed("unclean", ([only]) => only!.isr.length === 1);
      await cluster.node(4).kill("SIGKILL");
      await cluster.node(2).start();
      await cluster.untilDescribed("unclean", ([only]) => only!.leader === null && only!.elr.includes(4));
      const partition = ["--topic", "unclean", "--partition", "0"];
      const refused = await tools.refusal("kafka-leader-election", "--election-type", "preferred", ...partition);
      expect(refused).to.contain("PreferredLeaderNotAvailableException");
      const elected = await tools.ask("kafka-leader-election", "--election-type", "unclean", ...partition);
      expect(elected).to.contain("Successfully completed leader election (UNCLEAN) for partitions unclean-0");
      const [only] = await cluster.describe("unclean");
      expect(only).to.deep.include({ leader: 2, isr: [2] });
    });
  });

  describe("kafka-topics --describe while a node is down", () => {
    const view = async (option: string): Promise<string[]> => {
      const printed = await tools.ask("kafka-topics", "--describe", option);
      return [...printed.matchAll(/Topic: (\S+)\tPartition: (\d+)/g)].map(([, topic, id]) => `${topic}-${id}`).sort();
    };

    before(async () => {
      await cluster.node(4).start();
      await cluster.whole("orders");
      const create = (topic: string, replicas: string, minimum: number) =>
        tools.ask(
          ...(["kafka-topics", "--create", "--topic", topic, "--replica-assignment", replicas] as const),
          ...["--config", `min.insync.replicas=${minimum}`],
        );
      await create("strict", "1:2:4", 3);
      await create("enough", "1:2:4", 2);
      await create("alone", "4", 1);
      await create("elsewhere", "1:2", 1);
      expect(await view("--under-replicated-partitions")).to.deep.equal([]);
      await cluster.node(4).kill("SIGKILL");
      await cluster.untilDescribed("alone", ([only]) => only!.leader === null);
      await cluster.untilDescribed("strict", ([only]) => only!.isr.length === 2);
    });

    it("--under-replicated-partitions", async () => {
      const orders = Array.from({ length: PARTITIONS }, (_, index) => `orders-${index}`);
      const expected = ["alone-0", "enough-0", ...orders, "strict-0", "unclean-0"];
      expect(await view("--under-replicated-partitions")).to.deep.equal(expected);
    });

    it("--under-min-isr-partitions, --at-min-isr-partitions, --unavailable-partitions", async () => {
      expect(await view("--under-min-isr-partitions")).to.deep.equal(["alone-0", "strict-0"]);
      expect(await view("--at-min-isr-partitions"))
        .to.include("enough-0")
        .and.not.include("elsewhere-0");
      expect(await view("--unavailable-partitions")).to.deep.equal(["alone-0"]);
    });

    it("and eligible leader replicas", async () => {
      const [strict] = await cluster.describe("strict");
      expect(strict).to.deep.include({ isr: [1, 2], elr: [4] });
      const [alone] = await cluster.describe("alone");
      expect(alone).to.deep.include({ isr: [], elr: [4] });
    });
  });

  describe("single brokers", () => {
    before(async () => {
      await cluster.node(4).start();
      for (const topic of ["orders", "alone", "strict", "unclean"]) await cluster.whole(topic);
    });

    it("kafka-cluster lists brokers and controllers, and unregisters a broker that is stopped", async () => {
      const brokers = await tools.ask("kafka-cluster", "list-endpoints");
      for (const { id, port } of cluster.nodes)
        expect(brokers).to.match(new RegExp(`^${id} +127\\.0\\.0\\.1 +${port} .* unfenced +broker`, "m"));
      const direct = ["--bootstrap-controller", cluster.node(3).controllerAddress];
      const controllers = await tools.ask("kafka-cluster", "list-endpoints", ...direct);
      for (const { id, port } of cluster.nodes)
        expect(controllers).to.match(new RegExp(`^${id} +127\\.0\\.0\\.1 +${port + 10_000} .*controller`, "m"));
      const fifth = await cluster.join(5, "broker");
      expect(await tools.ask("kafka-cluster", "list-endpoints")).to.match(/^5 +127/m);
      await fifth.stop();
      const fenced = await tools.ask("kafka-cluster", "list-endpoints", "--include-fenced-brokers");
      expect(fenced).to.match(/^5 +127.* fenced +broker/m);
      await tools.ask("kafka-cluster", "unregister", "--id", "5");
      expect(await tools.ask("kafka-cluster", "list-endpoints", "--include-fenced-brokers")).not.to.match(/^5 +127/m);
    });

    it("kafka-broker-api-versions is answered alike by all", async () => {
      const printed = await tools.ask("kafka-broker-api-versions");
      const answers = [...printed.matchAll(/^127\.0\.0\.1:\d+ \(id: \d+ .*?\) -> \(\n([\s\S]*?)\n\)/gm)].map(
        ([, usable]) => usable,
      );
      expect(answers).to.have.length(4);
      expect(new Set(answers).size).to.equal(1);
      expect(answers[0]).to.contain("Fetch(1): 4 to 18 [usable: 18]");
    });

    it("kafka-log-dirs finds every replica where the metadata says it is", async () => {
      const printed = await tools.ask("kafka-log-dirs", "--describe", "--topic-list", "orders,strict");
      const { brokers } = JSON.parse(printed.split("\n").find(line => line.startsWith("{"))!);
      for (const topic of ["orders", "strict"]) {
        for (const { partition, replicas } of await cluster.describe(topic)) {
          const holders = brokers.filter(({ logDirs }: { logDirs: { partitions: { partition: string }[] }[] }) =>
            logDirs.some(({ partitions }) => partitions.some(held => held.partition === `${topic}-${partition}`)),
          );
          const ids = holders.map(({ broker }: { broker: number }) => broker).sort();
          expect(ids, `${topic}-${partition}`).to.deep.equal([...replicas].sort());
        }
      }
    });

    it("kafka-configs gives each broker its own setting, and a default to all", async () => {
      const brokers = (name: string[], ...args: string[]) =>
        tools.ask("kafka-configs", ...args, "--entity-type", "brokers", ...name);
      const second = ["--entity-name", "2"];
      await brokers(second, "--alter", "--add-config", "log.cleaner.threads=2");
      await brokers(["--entity-default"], "--alter", "--add-config", "log.cleaner.threads=3");
      const valueAt = async (id: number): Promise<string> => {
        const printed = await brokers(["--entity-name", String(id)], "--describe", "--all");
        return /^ {2}log\.cleaner\.threads=(\d+) /m.exec(printed)![1]!;
      };
      expect(await valueAt(1)).to.equal("3");
      expect(await valueAt(2)).to.equal("2");
      await brokers(second, "--alter", "--delete-config", "log.cleaner.threads");
      expect(await valueAt(2)).to.equal("3");
    });

    it("kafka-get-offsets counts what was written", async () => {
      const ends = (await tools.ask("kafka-get-offsets", "--topic", "orders")).trim().split("\n");
      const sum = ends.map(line => Number(line.split(":")[2])).reduce((a, b) => a + b, 0);
      expect(sum).to.equal(RECORDS);
    });

    it("kafka-features describes and changes levels for all", async () => {
      await tools.ask("kafka-features", "downgrade", "--feature", "streams.version=0");
      for (const { controllerAddress } of cluster.brokers) {
        const isLowered = (printed: string) => /streams\.version .*FinalizedVersionLevel: 0/.test(printed);
        await tools.until(isLowered, "kafka-features", "--bootstrap-controller", controllerAddress, "describe");
      }
      await tools.ask("kafka-features", "upgrade", "--feature", "streams.version=1");
      const described = await tools.ask("kafka-features", "describe");
      expect(described).to.match(/streams\.version .*FinalizedVersionLevel: 1/);
      expect(described).to.match(/kraft\.version .*FinalizedVersionLevel: 1/);
      expect(described).to.match(/metadata\.version .*FinalizedVersionLevel: 4\.3-IV0/);
    });
  });

  describe("the files of nodes", () => {
    let described: readonly DescribedPartition[] = [];
    const metadata = (id: number): string => join(cluster.node(id).dataDir, "__cluster_metadata-0");
    const dump = (path: string): Promise<string> =>
      tools.ask("kafka-dump-log", "--cluster-metadata-decoder", "--files", path);

    it("kafka-dump-log reads the metadata log of a node that runs", async () => {
      const logs = readdirSync(metadata(1)).filter(name => name.endsWith(".log"));
      const dumped = (await Promise.all(logs.map(name => dump(join(metadata(1), name))))).join("");
      expect(dumped)
        .to.contain('"type":"PARTITION_CHANGE_RECORD"')
        .and.not.match(/corrupt|invalid/i);
    });

    it("kafka-metadata-shell reads the log of a node that runs, in a copy", async () => {
      const copy = join(cluster.folder, "copy", "__cluster_metadata-0");
      cpSync(metadata(1), copy, { recursive: true });
      const topics = await metadataShell(join(copy, newest(copy, ".log")), ["ls", "/image/topics/byName"], namesTopics);
      expect(topics.split("\n")).to.include.members(["alone", "elsewhere", "enough", "orders", "strict", "unclean"]);
    });

    it("kafka-dump-log finds the voters in a snapshot", async () => {
      const dumped = await dump(join(metadata(1), newest(metadata(1), ".checkpoint")));
      expect(dumped).to.contain('KRaftVersion {"version":0,"kRaftVersion":1}');
      const [, json] = /KRaftVoters (\{.*\})/.exec(dumped)!;
      const ids = JSON.parse(json!).voters.map(({ voterId }: { voterId: number }) => voterId);
      expect(ids).to.have.members([1, 2, 3]);
    });

    it("are the same for all replicas of a partition, byte by byte", async () => {
      described = await cluster.whole("orders");
      for (const node of cluster.nodes) if (node.isRunning) await node.stop();
      for (const { partition, replicas } of described) {
        const digests = replicas.map(id => segmentsDigest(cluster.node(id).dataDir, `orders-${partition}`));
        expect(digests[0]).to.be.a("string");
        expect(new Set(digests).size, `orders-${partition}`).to.equal(1);
      }
    });

    it("kafka-metadata-shell reads a stopped node's snapshot where it is", async () => {
      const snapshot = join(metadata(2), newest(metadata(2), ".checkpoint"));
      await metadataShell(snapshot, ["ls", "/image/topics/byName"], namesTopics);
      const isWhole = (printed: string) => printed.includes("replicas=[1, 2, 4]");
      await metadataShell(snapshot, ["cat", "/image/topics/byName/strict/0"], isWhole);
    });

    const namesTopics = (printed: string): boolean => ["orders", "unclean"].every(topic => printed.includes(topic));
  });
});

function newest(directory: string, ending: string): string {
  return readdirSync(directory)
    .filter(name => name.endsWith(ending))
    .sort()
    .at(-1)!;
}
