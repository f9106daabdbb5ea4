import { writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import type { Consumer } from "kafkajs";
import { javaConsumer } from "../groups/clients.ts";
import { GroupRun } from "../groups/group-run.ts";
import { BrokerProcess } from "../support/broker-process.ts";
import { comparable, type Difference, type SystemName } from "../support/golden.ts";
import { KafkaProcess } from "../support/kafka-process.ts";
import { requireKafkaTools } from "../support/kafka-tools.ts";
import { kafkajsClient } from "../support/kafkajs.ts";
import { ToolShell } from "../support/tool-shell.ts";

const TOPICS = "org.apache.kafka.tools.TopicCommand";
const CONFIGS = "kafka.admin.ConfigCommand";
const GROUPS = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand";
const ALL_GROUPS = "org.apache.kafka.tools.GroupsCommand";
const QUORUM = "org.apache.kafka.tools.MetadataQuorumCommand";
const FEATURES = "org.apache.kafka.tools.FeatureCommand";
const LOG_DIRS = "org.apache.kafka.tools.LogDirsCommand";
const API_VERSIONS = "org.apache.kafka.tools.BrokerApiVersionsCommand";
const OFFSETS = "org.apache.kafka.tools.GetOffsetShell";
const DELETE_RECORDS = "org.apache.kafka.tools.DeleteRecordsCommand";
const ELECTION = "org.apache.kafka.tools.LeaderElectionCommand";
const TRANSACTIONS = "org.apache.kafka.tools.TransactionsCommand";
const METRICS = "org.apache.kafka.tools.ClientMetricsCommand";
const CLUSTER = "org.apache.kafka.tools.ClusterTool";
const PRODUCER = "org.apache.kafka.tools.ConsoleProducer";
const CONSUMER = "org.apache.kafka.tools.consumer.ConsoleConsumer";

/** Of topic orders, when groups read it. */
const PARTITIONS = 5;

/** APIs that this version has no handler for yet. A name that is built must leave this list. */
const NOT_BUILT = [
  "AddPartitionsToTxn|AddOffsetsToTxn|EndTxn|WriteTxnMarkers|TxnOffsetCommit|DescribeTransactions|ListTransactions",
  "SaslHandshake|SaslAuthenticate|DescribeAcls|CreateAcls|DeleteAcls|\\w+DelegationToken|\\w+UserScramCredentials",
  "DescribeClientQuotas|AlterClientQuotas",
  "\\w*Share\\w*|StreamsGroup\\w+",
].join("|");

/** Broker settings with another default than Kafka's: bounds where Kafka has none. */
const BOUNDED =
  "group\\.max\\.size|max\\.connection\\.creation\\.rate|max\\.connections(\\.per\\.ip)?|queued\\.max\\.request\\.bytes";
/** Timing of the quorum and of sessions, shorter here: a failover takes a fraction of a second. */
const FAILOVER_TIMING =
  "controller\\.quorum\\.(election|fetch|request)\\.timeout\\.ms|broker\\.(heartbeat\\.interval|session\\.timeout)\\.ms";
/** Broker settings that say how the process was started. */
const STARTED_WITH =
  "broker\\.id|listeners|controller\\.(listener\\.names|quorum\\.bootstrap\\.servers)|log\\.dirs|node\\.id|process\\.roles";
/** Settings of an authorizer, which Kafka leaves to the authorizer. */
const AUTHORIZER = "allow\\.everyone\\.if\\.no\\.acl\\.found|super\\.users";

const differences: readonly Difference[] = [
  {
    tool: API_VERSIONS,
    kafka: new RegExp(`^\\s(${NOT_BUILT})\\(\\d+\\): .*usable`),
    samsa: new RegExp(`^\\s(${NOT_BUILT})\\(\\d+\\): UNSUPPORTED`),
    reason: "not built yet",
  },
  {
    tool: CONFIGS,
    kafka: new RegExp(`^  (${BOUNDED})=`),
    samsa: new RegExp(`^  (${BOUNDED})=`),
    reason: "everything has a limit here, see docs/stricter-than-kafka.md",
  },
  {
    tool: CONFIGS,
    kafka: new RegExp(`^  (${FAILOVER_TIMING})=`),
    samsa: new RegExp(`^  (${FAILOVER_TIMING})=`),
    reason: "failover within 300 ms",
  },
  {
    tool: CONFIGS,
    kafka: new RegExp(`^  (${STARTED_WITH})=`),
    samsa: new RegExp(`^  (${STARTED_WITH}|${AUTHORIZER})=`),
    reason: "the two are started in different ways; Kafka's authorizer keeps its settings to itself",
  },
  {
    tool: CONFIGS,
    samsa: /^ {2}(samsa\.|write\.caching=)/,
    reason: "settings that Kafka does not have",
  },
  {
    tool: CONFIGS,
    kafka: /^ {2}(?!metrics\.recording\.level)[\w.$]+=(WARN|INFO|ERROR|DEBUG|TRACE|FATAL) /,
    samsa: /^ {2}root=INFO /,
    reason: "one logger here, one for each Java class there",
  },
  {
    tool: FEATURES,
    kafka: /^Feature: transaction\.version/,
    samsa: /^Feature: transaction\.version/,
    reason: "transactions of version 2 (KIP-890) are not built yet",
  },
];

/** The same on both sides, where it is not the default of both. */
const SETTINGS = {
  // Kafka writes it down for the cluster also when it was not set.
  "min.insync.replicas": "1",
  "offsets.topic.num.partitions": "3",
  "offsets.topic.replication.factor": "1",
  "transaction.state.log.replication.factor": "1",
  "transaction.state.log.min.isr": "1",
  "share.coordinator.state.topic.replication.factor": "1",
  "share.coordinator.state.topic.min.isr": "1",
  "group.initial.rebalance.delay.ms": "0",
  "group.min.session.timeout.ms": "1000",
};

interface System {
  readonly name: SystemName;
  readonly broker: BrokerProcess | KafkaProcess;
  readonly shell: ToolShell;
}

interface StepOptions {
  readonly input?: string;
  /** Lines come in no particular order. */
  readonly unordered?: boolean;
}

describe("Apache Kafka's administration tools print of Samsa what they print of Kafka", function () {
  this.timeout(60_000);
  let systems: readonly System[] = [];
  let directory = "";
  let live: readonly Consumer[] = [];
  let modern: readonly GroupRun[] = [];

  before(async function () {
    this.timeout(300_000);
    requireKafkaTools(this);
    directory = await mkdtemp(join(tmpdir(), "samsa-tools-"));
    const [kafka, samsa] = await Promise.all([
      KafkaProcess.start({ properties: SETTINGS }),
      BrokerProcess.start({ overrides: SETTINGS }),
    ]);
    systems = [
      { name: "kafka", broker: kafka, shell: ToolShell.start() },
      { name: "samsa", broker: samsa, shell: ToolShell.start() },
    ];
  });

  after(async () => {
    await Promise.allSettled(live.map(consumer => consumer.disconnect()));
    await Promise.allSettled(modern.map(run => run.dispose()));
    await Promise.allSettled(systems.flatMap(({ broker, shell }) => [broker.dispose(), shell.close()]));
    if (directory !== "") await rm(directory, { recursive: true });
  });

  /** Runs one tool against both systems and compares. `FILE:name` in an argument stands for a file in the test's directory. */
  function step(tool: string, command: string, options: StepOptions = {}): void {
    it(`${tool.slice(tool.lastIndexOf(".") + 1)} ${command}`, async () => {
      const [kafka, samsa] = await Promise.all(
        systems.map(async ({ name, broker, shell }) => {
          const words = command
            .split(" ")
            .filter(word => word !== "")
            .map(word => word.replace("FILE:", `${directory}/`));
          const bootstrap = ["--bootstrap-server", broker.address];
          const args = tool === CLUSTER ? [...words, ...bootstrap] : [...bootstrap, ...words];
          const result = await shell.runWithInput(options.input ?? "", tool, ...args);
          const lines = comparable(tool, result, name, broker, differences);
          return options.unordered === true ? lines.sort() : lines;
        }),
      );
      const onlyKafka = kafka!.filter(line => !samsa!.includes(line));
      const onlySamsa = samsa!.filter(line => !kafka!.includes(line));
      expect({ onlyKafka, onlySamsa }).to.deep.equal({ onlyKafka: [], onlySamsa: [] });
      expect(samsa, "order of lines").to.deep.equal(kafka);
    });
  }

  describe("topics", () => {
    step(TOPICS, "--create --topic orders --partitions 3 --config retention.ms=3600000");
    step(TOPICS, "--create --topic audit --config cleanup.policy=compact");
    step(TOPICS, "--create --topic assigned --replica-assignment 1,1");
    step(TOPICS, "--create --topic a.b");
    step(TOPICS, "--create --topic a_b");
    step(TOPICS, "--create --topic bad/name");
    step(TOPICS, "--create --topic orders");
    step(TOPICS, "--create --topic orders --if-not-exists");
    step(TOPICS, "--create --topic many --replication-factor 3");
    step(TOPICS, "--create --topic none --partitions 0");
    step(TOPICS, "--create --topic refused --replica-assignment 7");
    step(TOPICS, "--create --topic refused --config retention.ms=soon");
    step(TOPICS, "--create --topic refused --config no.such.key=1");
    step(TOPICS, "--list");
    step(TOPICS, "--describe");
    step(TOPICS, "--describe --topic orders");
    step(TOPICS, "--describe --topic nope");
    step(TOPICS, "--describe --topics-with-overrides");
    step(TOPICS, "--describe --under-replicated-partitions");
    step(TOPICS, "--describe --unavailable-partitions");
    step(TOPICS, "--describe --under-min-isr-partitions");
    step(TOPICS, "--describe --at-min-isr-partitions");
    step(TOPICS, "--alter --topic orders --partitions 5");
    step(TOPICS, "--alter --topic orders --partitions 2");
    step(TOPICS, "--alter --topic nope --partitions 2");
    step(TOPICS, "--delete --topic assigned");
    step(TOPICS, "--delete --topic nope");
    step(TOPICS, "--list --exclude-internal");
  });

  describe("configs", () => {
    step(CONFIGS, "--describe --entity-type topics", { unordered: true });
    step(CONFIGS, "--describe --topic orders --all");
    step(CONFIGS, "--alter --topic orders --add-config cleanup.policy=[compact,delete],max.message.bytes=2000");
    step(CONFIGS, "--describe --topic orders");
    step(CONFIGS, "--alter --topic orders --delete-config retention.ms,cleanup.policy,max.message.bytes");
    step(CONFIGS, "--alter --topic orders --delete-config retention.ms");
    step(CONFIGS, "--alter --topic orders --add-config retention.ms=soon");
    step(CONFIGS, "--alter --topic orders --add-config no.such=1");
    step(CONFIGS, "--alter --topic nope --add-config retention.ms=1");
    step(CONFIGS, "--describe --topic nope");
    step(CONFIGS, "--describe --entity-type brokers");
    step(CONFIGS, "--describe --entity-type brokers --entity-name 1");
    step(CONFIGS, "--describe --entity-type brokers --entity-name 1 --all");
    step(CONFIGS, "--alter --entity-type brokers --entity-name 1 --add-config log.cleaner.threads=2");
    step(CONFIGS, "--alter --entity-type brokers --entity-default --add-config log.retention.ms=86400000");
    step(CONFIGS, "--alter --entity-type brokers --entity-default --delete-config min.insync.replicas");
    step(CONFIGS, "--alter --entity-type brokers --entity-name 1 --add-config min.insync.replicas=2");
    step(CONFIGS, "--alter --entity-type brokers --entity-name 1 --add-config log.dirs=/elsewhere");
    step(CONFIGS, "--describe --entity-type brokers");
    step(CONFIGS, "--describe --entity-type brokers --entity-default");
    step(CONFIGS, "--describe --topic orders --all");
    step(CONFIGS, "--alter --entity-type brokers --entity-name 1 --delete-config log.cleaner.threads");
    step(CONFIGS, "--alter --entity-type brokers --entity-default --delete-config log.retention.ms");
    step(CONFIGS, "--describe --entity-type broker-loggers --entity-name 1");
    step(CONFIGS, "--alter --entity-type groups --entity-name g --add-config consumer.session.timeout.ms=50000");
    step(CONFIGS, "--alter --entity-type groups --entity-name g --add-config consumer.session.timeout.ms=1");
    step(CONFIGS, "--alter --entity-type groups --entity-name g --add-config no.such=1");
    step(CONFIGS, "--describe --entity-type groups --entity-name g");
    step(CONFIGS, "--describe --entity-type groups --entity-name g --all");
    step(CONFIGS, "--describe --entity-type groups");
  });

  describe("client metrics", () => {
    step(METRICS, "--list");
    step(METRICS, "--alter --name m --metrics org.apache.kafka.producer. --interval 30000 --match client_id=x");
    step(METRICS, "--alter --name m --metrics org.apache.kafka.consumer.");
    step(METRICS, "--alter --name n --interval 5");
    step(METRICS, "--alter --name n --match nonsense=1");
    step(METRICS, "--describe");
    step(METRICS, "--describe --name m");
    step(METRICS, "--list");
    step(CONFIGS, "--describe --entity-type client-metrics");
    step(CONFIGS, "--describe --entity-type client-metrics --entity-name m --all");
    step(METRICS, "--delete --name m");
    step(METRICS, "--list");
  });

  describe("the cluster", () => {
    step(API_VERSIONS, "");
    step(QUORUM, "describe --status");
    step(QUORUM, "describe --replication");
    step(QUORUM, "describe --replication --human-readable");
    step(FEATURES, "describe");
    step(FEATURES, "upgrade --feature metadata.version=99");
    step(FEATURES, "upgrade --feature no.such=1");
    step(FEATURES, "downgrade --feature share.version=0");
    step(FEATURES, "upgrade --feature share.version=1");
    step(FEATURES, "describe");
    step(CLUSTER, "cluster-id");
    step(CLUSTER, "list-endpoints");
    step(CLUSTER, "unregister --id 9");
    step(ELECTION, "--election-type PREFERRED --all-topic-partitions");
    step(ELECTION, "--election-type PREFERRED --topic orders --partition 0");
    step(ELECTION, "--election-type UNCLEAN --topic orders --partition 0");
    step(ELECTION, "--election-type PREFERRED --topic nope --partition 0");
    step(ELECTION, "--election-type PREFERRED --topic orders --partition 9");
  });

  describe("records", () => {
    const lines = Array.from({ length: 40 }, (_, index) => `key-${index}:value ${index}\n`).join("");
    // Synchronous, as the shell does not wait for what the tool would send while it exits.
    const keyed = "--sync --timeout 0 --reader-property parse.key=true --reader-property key.separator=:";
    step(PRODUCER, `--topic orders ${keyed}`, { input: lines });
    step(PRODUCER, `--topic audit ${keyed}`, { input: lines });
    step(OFFSETS, "--topic orders");
    step(OFFSETS, "--exclude-internal-topics --time earliest");
    step(OFFSETS, "--topic orders --time max-timestamp");
    step(OFFSETS, "--topic orders --time 1");
    step(OFFSETS, "--topic-partitions orders:0-2,audit");
    step(OFFSETS, "--topic nope");
    step(LOG_DIRS, "--describe --topic-list audit");
    step(LOG_DIRS, "--describe --topic-list nope");
    step(LOG_DIRS, "--describe --broker-list 7");
    step(LOG_DIRS, "--describe --topic-list orders,audit --broker-list 1");
    step(TRANSACTIONS, "describe-producers --topic orders --partition 0");
    step(TRANSACTIONS, "find-hanging --broker-id 1");

    before(() => {
      const partitions = [
        { topic: "orders", partition: 0, offset: 2 },
        { topic: "orders", partition: 1, offset: -1 },
        { topic: "orders", partition: 2, offset: 100_000 },
        { topic: "audit", partition: 0, offset: 1 },
      ];
      writeFileSync(join(directory, "delete.json"), JSON.stringify({ version: 1, partitions }));
    });
    step(DELETE_RECORDS, "--offset-json-file FILE:delete.json", { unordered: true });
    step(OFFSETS, "--topic orders --time earliest");
  });

  describe("consumer groups", () => {
    const read = "--topic orders --from-beginning --max-messages 5 --timeout-ms 20000";
    step(GROUPS, "--list");
    step(GROUPS, "--describe --group none");
    step(CONSUMER, `${read} --group readers`, { unordered: true });
    step(CONSUMER, `${read} --group modern --command-property group.protocol=consumer`, { unordered: true });

    it("(a live member joins)", async () => {
      live = await Promise.all(
        systems.map(async ({ broker }) => {
          const consumer = kafkajsClient(broker.address).consumer({ groupId: "live", sessionTimeout: 30_000 });
          await consumer.connect();
          await consumer.subscribe({ topics: ["orders"], fromBeginning: true });
          const joined = new Promise(resolve => consumer.on("consumer.group_join", resolve));
          await consumer.run({ autoCommit: false, eachMessage: async () => {} });
          await joined;
          await consumer.commitOffsets([{ topic: "orders", partition: 0, offset: "3" }]);
          return consumer;
        }),
      );
    });

    it("(a live member of the consumer protocol joins)", async () => {
      const client = javaConsumer("consumer");
      client.prepare();
      modern = await Promise.all(
        systems.map(async ({ broker: { address } }) => {
          const run = new GroupRun(
            { partitions: PARTITIONS },
            {
              launch: count =>
                client.launch(
                  {
                    bootstrap: address,
                    group: "live-modern",
                    topic: "orders",
                    protocol: "consumer",
                    sessionTimeoutMs: 45_000,
                    heartbeatIntervalMs: 5_000,
                  },
                  count,
                ),
            },
          );
          const [member] = run.start(1);
          await run.sharedByAll();
          await run.until("it has committed", () => member!.events.some(({ event }) => event === "committed"));
          return run;
        }),
      );
    });

    step(GROUPS, "--list", { unordered: true });
    step(GROUPS, "--list --type classic --state Stable", { unordered: true });
    step(GROUPS, "--list --type nonsense");
    step(GROUPS, "--list --state nonsense");
    step(GROUPS, "--list --state", { unordered: true });
    step(GROUPS, "--list --state Empty", { unordered: true });
    step(GROUPS, "--list --type", { unordered: true });
    step(GROUPS, "--list --type consumer", { unordered: true });
    step(ALL_GROUPS, "--list", { unordered: true });
    for (const group of ["readers", "modern", "live", "live-modern"]) {
      step(GROUPS, `--describe --group ${group}`, { unordered: true });
      step(GROUPS, `--describe --group ${group} --verbose`, { unordered: true });
      step(GROUPS, `--describe --group ${group} --offsets --verbose`, { unordered: true });
      step(GROUPS, `--describe --group ${group} --members`, { unordered: true });
      step(GROUPS, `--describe --group ${group} --members --verbose`, { unordered: true });
      step(GROUPS, `--describe --group ${group} --state`, { unordered: true });
    }
    step(GROUPS, "--describe --all-groups --state --verbose", { unordered: true });
    const reset = "--reset-offsets --group readers --topic orders";
    step(GROUPS, `${reset} --to-earliest`, { unordered: true });
    step(GROUPS, `${reset} --to-latest --dry-run`, { unordered: true });
    step(GROUPS, `${reset} --shift-by -1`, { unordered: true });
    step(GROUPS, `${reset} --to-current`, { unordered: true });
    step(GROUPS, `${reset} --to-offset 4`, { unordered: true });
    step(GROUPS, `${reset} --by-duration PT1H`, { unordered: true });
    step(GROUPS, `${reset} --to-datetime 2020-01-01T00:00:00.000`, { unordered: true });
    step(GROUPS, `${reset}:0 --to-offset 3 --export --dry-run`, { unordered: true });
    step(GROUPS, `${reset}:0,1 --to-offset 3 --execute`, { unordered: true });
    step(GROUPS, "--describe --group readers", { unordered: true });
    step(GROUPS, "--reset-offsets --group readers --topic nope --to-earliest --execute", { unordered: true });
    step(GROUPS, "--reset-offsets --group live --topic orders --to-earliest --execute", { unordered: true });
    step(GROUPS, "--reset-offsets --group live-modern --topic orders --to-earliest --execute", { unordered: true });
    step(GROUPS, "--reset-offsets --all-groups --all-topics --to-earliest --dry-run", { unordered: true });
    before(() => {
      writeFileSync(join(directory, "reset.csv"), "orders,0,4\norders,1,3\n");
    });
    step(GROUPS, "--reset-offsets --group readers --from-file FILE:reset.csv --dry-run", { unordered: true });
    step(GROUPS, "--reset-offsets --group fresh --topic orders --to-earliest --execute", { unordered: true });
    step(GROUPS, "--delete-offsets --group readers --topic orders:0", { unordered: true });
    step(GROUPS, "--delete-offsets --group live-modern --topic orders", { unordered: true });
    step(GROUPS, "--delete --group live-modern");
    step(GROUPS, "--delete-offsets --group readers --topic nope", { unordered: true });
    step(GROUPS, "--delete-offsets --group live --topic orders", { unordered: true });
    step(GROUPS, "--delete --group live");
    step(GROUPS, "--delete --group none");
    step(GROUPS, "--delete --group modern");
    step(GROUPS, "--list", { unordered: true });
  });
});
