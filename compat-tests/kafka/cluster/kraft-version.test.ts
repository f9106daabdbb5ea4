/**
 * A cluster whose controllers are configured is given voters in its log by Apache Kafka's tools (KIP-853): `kafka-features` raises `kraft.version`, and
 * `kafka-metadata-quorum` changes the voters from then on. The steps build on each other.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { KafkaProcess } from "../../support/kafka-process.ts";
import { faults, write } from "../../support/kafka-records.ts";
import { SamsaCluster } from "../../support/kafka-samsa-cluster.ts";
import type { SamsaNode } from "../../support/kafka-samsa-node.ts";
import type { ToolBelt } from "../../support/kafka-tool-belt.ts";
import { requireKafkaTools } from "../../support/kafka-tools.ts";
import { field, hasReplica, voters } from "../../support/metadata-quorum-output.ts";

const RECORDS = 500;
const RAISE = ["upgrade", "--feature", "kraft.version=1"];

describe("kafka-features upgrade --feature kraft.version=1, on a cluster of Samsa nodes with controller.quorum.voters", function () {
  this.timeout(90_000);
  this.bail(true);
  let cluster: SamsaCluster;
  let tools: ToolBelt;
  let kafka: KafkaProcess | null = null;

  before(async function () {
    this.timeout(300_000);
    requireKafkaTools(this);
    cluster = await SamsaCluster.start({
      hasStaticVoters: true,
      properties: { "metadata.log.max.record.bytes.between.snapshots": 4000 },
    });
    tools = cluster.tools;
    await tools.ask("kafka-topics", "--create", "--topic", "orders", "--partitions", "3", "--replication-factor", "3");
    await write(cluster.node(1).address, "orders", RECORDS);
  });

  after(async () => {
    await kafka?.dispose();
    await cluster?.dispose();
  });

  const features = (...args: string[]): Promise<string> => tools.ask("kafka-features", ...args);
  const quorum = (...args: string[]): Promise<string> => tools.ask("kafka-metadata-quorum", ...args);
  const leaderId = async (): Promise<number> => Number(field(await quorum("describe", "--status"), "LeaderId"));
  const removal = ({ id, directoryId }: SamsaNode): string[] => [
    ...["remove-controller", "--controller-id", String(id), "--controller-directory-id", directoryId],
  ];

  it("finds the version at 0, and voters that cannot be changed", async () => {
    expect(levelIn(await features("describe"))).to.equal("0");
    const refused = await tools.refusal("kafka-metadata-quorum", ...removal(cluster.node(3)));
    expect(refused).to.contain("UnsupportedVersionException");
  });

  it("changes nothing in a dry run", async () => {
    await features(...RAISE, "--dry-run");
    expect(levelIn(await features("describe"))).to.equal("0");
  });

  it("raises it for all: brokers and controllers tell so at once, and who votes with which directory", async () => {
    expect(await features(...RAISE)).to.contain("kraft.version was upgraded to 1.");
    for (const { address, controllerAddress } of cluster.nodes) {
      expect(levelIn(await features("--bootstrap-server", address, "describe"))).to.equal("1");
      expect(levelIn(await features("--bootstrap-controller", controllerAddress, "describe"))).to.equal("1");
    }
    expect(votersIn(await quorum("describe", "--status"))).to.deep.equal(
      cluster.nodes.map(({ id, directoryId, controllerAddress }) => ({
        id,
        directoryId,
        endpoints: [`CONTROLLER://${controllerAddress}`],
      })),
    );
  });

  it("does so once, and for good", async () => {
    await features(...RAISE);
    const refused = await tools.refusal("kafka-features", "downgrade", "--feature", "kraft.version=0");
    expect(refused).to.contain("kraft.version");
    expect(levelIn(await features("describe"))).to.equal("1");
  });

  it("leaves both control records in every log, side by side, as kafka-dump-log reads them", async () => {
    for (const node of cluster.nodes) {
      const dumped = await dumpMetadata(node, ".log");
      const lines = dumped.split("\n");
      const at = lines.findIndex(line => line.includes('KRaftVersion {"version":0,"kRaftVersion":1}'));
      const [, json] = /KRaftVoters (\{.*\})/.exec(lines[at + 1] ?? "") ?? [];
      const directoryIds = JSON.parse(json!).voters.map(
        (voter: { voterDirectoryId: string }) => voter.voterDirectoryId,
      );
      expect(directoryIds, `node ${node.id}`).to.have.members(cluster.nodes.map(({ directoryId }) => directoryId));
      expect(dumped.split("KRaftVoters").length, "once").to.equal(2);
    }
  });

  it("lets kafka-metadata-quorum add a controller, and remove the one that leads", async () => {
    const fourth = await cluster.join(4, "broker,controller");
    await tools.until(hasReplica(4, "Observer"), "kafka-metadata-quorum", "describe", "--replication");
    const add = ["--command-config", fourth.propertiesFile, "add-controller"];
    expect(await quorum(...add)).to.contain(`Added controller 4 with directory id ${fourth.directoryId}`);
    expect(voters(await quorum("describe", "--status"))).to.deep.equal([1, 2, 3, 4]);
    const removed = await leaderId();
    await quorum(...removal(cluster.node(removed)));
    const isLedByAnother = (status: string): boolean => !["-1", String(removed)].includes(field(status, "LeaderId"));
    const status = await tools.until(isLedByAnother, "kafka-metadata-quorum", "describe", "--status");
    expect(voters(status)).to.deep.equal([1, 2, 3, 4].filter(id => id !== removed));
  });

  it("holds when all nodes start anew, with the first voters in their configuration still", async () => {
    const before = votersIn(await quorum("describe", "--status"));
    for (const node of cluster.nodes) await node.stop();
    await Promise.all(cluster.nodes.map(node => node.start()));
    expect(votersIn(await quorum("describe", "--status"))).to.deep.equal(before);
    expect(levelIn(await features("describe"))).to.equal("1");
    await cluster.whole("orders");
    expect(await faults(cluster.node(1).address, "orders", RECORDS)).to.deep.equal([]);
  });

  it("stands in the snapshots made since", async () => {
    // Records for another snapshot.
    await tools.ask("kafka-topics", "--create", "--topic", "many", "--partitions", "60", "--replication-factor", "3");
    const ids = voters(await quorum("describe", "--status"));
    for (const node of cluster.nodes) {
      const dumped = await dumpMetadata(node, ".checkpoint");
      expect(dumped, `node ${node.id}`).to.contain('KRaftVersion {"version":0,"kRaftVersion":1}');
      const [, json] = /KRaftVoters (\{.*\})/.exec(dumped)!;
      expect(JSON.parse(json!).voters.map(({ voterId }: { voterId: number }) => voterId)).to.have.members(ids);
    }
  });

  it("is read by Apache Kafka on the directory of the last node that is left", async () => {
    const [first, ...others] = votersIn(await quorum("describe", "--status"));
    const last = cluster.node(first!.id);
    for (const { id } of others) await quorum(...removal(cluster.node(id)));
    for (const node of cluster.nodes) if (node !== last) await node.stop();
    await last.stop();
    kafka = await KafkaProcess.start({
      dataDir: last.dataDir,
      port: last.port,
      nodeId: last.id,
      // A broker of the same id is taken for alive for so long.
      properties: { "broker.session.timeout.ms": 2000, "broker.heartbeat.interval.ms": 500 },
    });
    const address = ["--bootstrap-server", kafka.address];
    expect(levelIn(await features(...address, "describe"))).to.equal("1");
    expect(votersIn(await quorum(...address, "describe", "--status"))).to.deep.equal([first]);
    expect(await tools.ask("kafka-topics", ...address, "--list")).to.contain("orders");
    expect(kafka.output).not.to.match(/corrupt/i);
  });

  /** What kafka-dump-log prints of a node's metadata log, or of its newest snapshot. */
  async function dumpMetadata({ dataDir }: SamsaNode, ending: ".log" | ".checkpoint"): Promise<string> {
    const directory = join(dataDir, "__cluster_metadata-0");
    const found = readdirSync(directory).filter(name => name.endsWith(ending));
    const names = ending === ".log" ? found.sort() : found.sort().slice(-1);
    const files = names.map(name => join(directory, name)).join(",");
    return await tools.ask("kafka-dump-log", "--cluster-metadata-decoder", "--files", files);
  }
});

interface DescribedVoter {
  readonly id: number;
  readonly directoryId: string;
  readonly endpoints: readonly string[];
}

function votersIn(status: string): readonly DescribedVoter[] {
  const found: DescribedVoter[] = JSON.parse(field(status, "CurrentVoters"));
  return found.sort((a, b) => a.id - b.id);
}

/** The level of kraft.version in what kafka-features printed. */
function levelIn(described: string): string | undefined {
  return /kraft\.version .*FinalizedVersionLevel: (\d+)/.exec(described)?.[1];
}
