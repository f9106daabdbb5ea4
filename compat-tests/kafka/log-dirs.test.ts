/** Replicas moved between log directories with Apache Kafka's own tools, while a client writes. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { BrokerProcess } from "../support/broker-process.ts";
import { requireKafkaTools } from "../support/kafka-tools.ts";
import { kafkajsClient } from "../support/kafkajs.ts";
import { ToolShell } from "../support/tool-shell.ts";

const REASSIGN = "org.apache.kafka.tools.reassign.ReassignPartitionsCommand";
const LOG_DIRS = "org.apache.kafka.tools.LogDirsCommand";
const CONFIGS = "kafka.admin.ConfigCommand";
const TOPICS = "org.apache.kafka.tools.TopicCommand";

interface Described {
  readonly brokers: readonly {
    readonly broker: number;
    readonly logDirs: readonly {
      readonly logDir: string;
      readonly partitions: readonly {
        readonly partition: string;
        readonly isFuture: boolean;
        readonly offsetLag: number;
      }[];
    }[];
  }[];
}

describe("Apache Kafka's tools move replicas between log directories", function () {
  this.timeout(120_000);
  let root: string;
  let directories: string[];
  let broker: BrokerProcess;
  let shell: ToolShell;

  before(async function () {
    requireKafkaTools(this);
    root = mkdtempSync(join(tmpdir(), "samsa-log-dirs-"));
    directories = ["one", "two"].map(name => join(root, name));
    broker = await BrokerProcess.start({ dataDir: directories.join(",") });
    shell = ToolShell.start();
  });

  after(async () => {
    await shell?.close();
    await broker?.dispose();
    if (root !== undefined) rmSync(root, { recursive: true, force: true });
  });

  async function run(mainClass: string, ...args: string[]): Promise<string> {
    const { exitCode, stdout, stderr } = await shell.run(mainClass, "--bootstrap-server", broker.address, ...args);
    expect(exitCode, stdout + stderr).to.equal(0);
    return stdout;
  }

  /** The directory of each replica of topic moving; those of copies under `partition+`. */
  async function places(): Promise<Record<string, string>> {
    const output = await run(LOG_DIRS, "--describe", "--topic-list", "moving");
    const line = output.split("\n").find(text => text.startsWith("{"))!;
    const { brokers } = JSON.parse(line) as Described;
    const found: Record<string, string> = {};
    for (const { logDir, partitions } of brokers[0]!.logDirs)
      for (const { partition, isFuture } of partitions) found[partition + (isFuture ? "+" : "")] = logDir;
    return found;
  }

  it("under load, and nothing is lost, over a kill -9 too", async () => {
    await run(TOPICS, "--create", "--topic", "moving", "--partitions", "2");
    const before = await places();
    const client = kafkajsClient(broker.address);
    const producer = client.producer();
    await producer.connect();
    let sent = 0;
    let isMoving = true;
    const load = (async () => {
      for (; isMoving; sent += 20) {
        const messages = Array.from({ length: 20 }, (_, n) => ({
          partition: n % 2,
          value: String(sent + n).padEnd(500),
        }));
        await producer.send({ topic: "moving", acks: -1, messages });
      }
    })();
    const target = (partition: number) => directories.find(path => path !== before[`moving-${partition}`])!;
    const plan = join(root, "plan.json");
    writeFileSync(
      plan,
      JSON.stringify({
        version: 1,
        partitions: [0, 1].map(partition => ({
          ...{ topic: "moving", partition },
          ...{ replicas: [1], log_dirs: [target(partition)] },
        })),
      }),
    );
    const executed = await run(REASSIGN, "--reassignment-json-file", plan, "--execute");
    for (const partition of [0, 1])
      expect(executed).to.contain(`moving log directory to ${target(partition)} for replica moving-${partition}`);
    for (let tries = 0; tries < 100; tries += 1) {
      const verified = await run(REASSIGN, "--reassignment-json-file", plan, "--verify", "--preserve-throttles");
      if (!verified.includes("still in progress")) {
        for (const partition of [0, 1])
          expect(verified).to.contain(`Reassignment of replica moving-${partition}-1 completed successfully`);
        break;
      }
      await new Promise(resolve => setTimeout(resolve, 200));
    }
    isMoving = false;
    await load;
    await producer.disconnect();
    const expected = { "moving-0": target(0), "moving-1": target(1) };
    expect(await places()).to.deep.equal(expected);
    expect(await valuesOf(sent)).to.deep.equal(Array.from({ length: sent }, (_, n) => n));
    await broker.kill("SIGKILL");
    await broker.restart();
    expect(await places()).to.deep.equal(expected);
    expect(await valuesOf(sent)).to.deep.equal(Array.from({ length: sent }, (_, n) => n));
    const names = directories.flatMap(path => readdirSync(path)).filter(name => name.endsWith("-future"));
    expect(names).to.deep.equal([]);
  });

  it("cordon a directory: it gets no new partitions and takes none, until it is given back", async () => {
    const [cordoned, open] = directories as [string, string];
    const entity = ["--entity-type", "brokers", "--entity-name", "1"];
    await run(CONFIGS, "--alter", ...entity, "--add-config", `cordoned.log.dirs=${cordoned}`);
    expect(await run(CONFIGS, "--describe", ...entity)).to.contain(
      `cordoned.log.dirs=${cordoned} sensitive=false synonyms={DYNAMIC_BROKER_CONFIG:cordoned.log.dirs=${cordoned}`,
    );
    const described = async () => {
      const output = await run(LOG_DIRS, "--describe", "--topic-list", "placed");
      return (JSON.parse(output.split("\n").find(text => text.startsWith("{"))!) as Described).brokers[0]!.logDirs;
    };
    await run(TOPICS, "--create", "--topic", "placed", "--partitions", "3");
    const found = (await described()).map(({ logDir, partitions }) => [logDir, partitions.length]);
    expect(found).to.have.deep.members([
      [cordoned, 0],
      [open, 3],
    ]);
    const plan = join(root, "cordoned.json");
    const partitions = [{ topic: "placed", partition: 0, replicas: [1], log_dirs: [cordoned] }];
    writeFileSync(plan, JSON.stringify({ version: 1, partitions }));
    const arguments_ = ["--bootstrap-server", broker.address, "--reassignment-json-file", plan, "--execute"];
    const refused = await shell.run(REASSIGN, ...arguments_);
    expect(refused.stdout + refused.stderr).to.contain("InvalidReplicaAssignmentException");
    const bad = ["--alter", ...entity, "--add-config", "cordoned.log.dirs=/nowhere"];
    const { exitCode, stdout, stderr } = await shell.run(CONFIGS, "--bootstrap-server", broker.address, ...bad);
    expect(exitCode).to.not.equal(0);
    expect(stdout + stderr).to.contain("All entries in cordoned.log.dirs must be present in log.dirs or log.dir");
    await run(CONFIGS, "--alter", ...entity, "--delete-config", "cordoned.log.dirs");
    expect(await run(REASSIGN, "--reassignment-json-file", plan, "--execute")).to.contain("moving log directory");
  });

  /** All values of the topic, in order, read from the beginning until there are `count`. */
  async function valuesOf(count: number): Promise<number[]> {
    const consumer = kafkajsClient(broker.address).consumer({ groupId: `reader-${Math.random()}` });
    const values: number[] = [];
    await consumer.connect();
    await consumer.subscribe({ topics: ["moving"], fromBeginning: true });
    await new Promise<void>((resolve, reject) => {
      consumer
        .run({
          eachMessage: async ({ message }) => {
            values.push(Number(message.value!.toString()));
            if (values.length >= count) resolve();
          },
        })
        .catch(reject);
    });
    await consumer.disconnect();
    return values.sort((a, b) => a - b);
  }
});
