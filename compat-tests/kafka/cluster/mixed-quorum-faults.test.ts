/** A quorum of Samsa's and Apache Kafka's controllers whose leaders are killed and stopped under an idempotent producer: nothing is lost, doubled or out of order. */
import { verifyKept } from "../../cluster/acknowledgements.ts";
import { IdempotentProducer, requireProducer } from "../../cluster/idempotent-producer.ts";
import { readBack } from "../../cluster/read-back.ts";
import { requireKafkaTools } from "../../support/kafka-tools.ts";
import { MixedQuorum, type NodeKind, requireAllQuorums } from "../../support/mixed-quorum.ts";

const TOPIC = "orders";
const PARTITIONS = 6;
const COUNT = 20_000;
const RECORDS_PER_SECOND = 500;
/** Acknowledged with a node away before it comes back. */
const MEANWHILE = 1000;
/** In which way each leader goes. */
const ENDS = ["killed", "killed", "stopped", "stopped"] as const;

const COMPOSITIONS: readonly (readonly NodeKind[])[] = [
  ["Samsa", "Samsa", "Apache Kafka"],
  ["Apache Kafka", "Apache Kafka", "Samsa"],
];

for (const kinds of COMPOSITIONS) {
  describe(`controllers of ${kinds.join(", ")} under an idempotent producer`, function () {
    this.timeout(240_000);
    let quorum: MixedQuorum;
    let producer: IdempotentProducer;

    before(async function () {
      requireKafkaTools(this);
      requireProducer(this);
      if (kinds.at(-1) !== "Samsa") requireAllQuorums(this);
      quorum = await MixedQuorum.start(kinds, {
        hasStaticVoters: false,
        // Snapshots all the time.
        properties: {
          "metadata.log.max.record.bytes.between.snapshots": 10_000,
          "metadata.max.retention.bytes": 30_000,
        },
      });
      const shape = [
        "--partitions",
        String(PARTITIONS),
        "--replication-factor",
        "3",
        "--config",
        "min.insync.replicas=2",
      ];
      await quorum.tools.ask("kafka-topics", "--create", "--topic", TOPIC, ...shape);
      producer = await IdempotentProducer.start({
        bootstrapServers: quorum.nodes.map(({ address }) => address).join(","),
        ...{ topic: TOPIC, partitions: PARTITIONS, count: COUNT, recordsPerSecond: RECORDS_PER_SECOND },
        settings: { "message.timeout.ms": "120000" },
      });
    });

    after(async () => {
      producer?.kill();
      await quorum?.dispose();
    });

    it("keep what was acknowledged while whoever leads is killed or stopped, and comes back", async () => {
      producer.go();
      for (const end of ENDS) {
        const leader = quorum.node(await quorum.leader());
        if (end === "killed") await leader.kill("SIGKILL");
        else await leader.stop();
        await quorum.leader(id => id !== leader.id);
        await producer.acknowledged(producer.acknowledgedCount + MEANWHILE);
        await leader.start();
        await quorum.whole(TOPIC);
      }
      const acknowledgements = await producer.finished();
      for (const { address } of quorum.nodes) verifyKept(acknowledgements, await readBack(address, TOPIC));
    });
  });
}
