/**
 * Leaving a cluster of Samsa nodes for Apache Kafka by one node's directory: the way a user of Kafka would take. With voters in the log (KIP-853) the
 * other controllers are removed by Kafka's own tool, and the last node's directory is a quorum of one; with voters in the configuration, the
 * configuration names one.
 */
import { expect } from "chai";
import { KafkaProcess } from "../../support/kafka-process.ts";
import { faults, write } from "../../support/kafka-records.ts";
import { SamsaCluster } from "../../support/kafka-samsa-cluster.ts";
import type { SamsaNode } from "../../support/kafka-samsa-node.ts";
import { ToolBelt } from "../../support/kafka-tool-belt.ts";
import { requireKafkaTools } from "../../support/kafka-tools.ts";

const RECORDS = 1000;
const TOPICS = ["orders", "audit"];

for (const hasStaticVoters of [false, true]) {
  describe(`one node of a cluster with voters in its ${hasStaticVoters ? "configuration" : "log"}, taken over by Apache Kafka`, function () {
    this.timeout(90_000);
    this.bail(true);
    let cluster: SamsaCluster;
    let last: SamsaNode;
    let kafka: KafkaProcess | null = null;
    let kafkasTools: ToolBelt | null = null;
    let described = "";

    before(async function () {
      this.timeout(300_000);
      requireKafkaTools(this);
      cluster = await SamsaCluster.start({ hasStaticVoters });
      const { tools } = cluster;
      last = cluster.node(1);
      const shape = ["--partitions", "3", "--replication-factor", "3"];
      await tools.ask("kafka-topics", "--create", "--topic", "orders", ...shape, "--config", "retention.ms=7200000");
      await tools.ask("kafka-topics", "--create", "--topic", "audit", ...shape, "--config", "cleanup.policy=compact");
      for (const topic of TOPICS) await write(last.address, topic, RECORDS);
    });

    after(async () => {
      await Promise.all([kafka?.dispose(), kafkasTools?.close()]);
      await cluster?.dispose();
    });

    it("is the last that is left", async () => {
      described = await topicIds(cluster.tools);
      const others = [cluster.node(2), cluster.node(3)];
      if (!hasStaticVoters) {
        for (const { id, directoryId } of others) {
          const words = ["--controller-id", String(id), "--controller-directory-id", directoryId];
          await cluster.tools.ask("kafka-metadata-quorum", "remove-controller", ...words);
        }
      }
      // Each leaves the in-sync replicas as it stops: were all three in them, it would depend on whom Kafka's controller fences last who may lead.
      for (const node of others) await node.stop();
      // One voter of three decides nothing, and so is told of nothing any more; what the others decided with it stands in its log.
      if (!hasStaticVoters) {
        for (const topic of TOPICS)
          await cluster.untilDescribed(topic, all => all.every(({ leader, isr }) => leader === 1 && isr.length === 1));
      }
      await last.stop();
    });

    it("is served by Kafka: the same topics, ids, settings and records", async () => {
      const controller = last.controllerAddress;
      kafka = await KafkaProcess.start({
        dataDir: last.dataDir,
        port: last.port,
        properties: {
          ...(hasStaticVoters ? { "controller.quorum.voters": `1@${controller}` } : {}),
          // A broker of the same id is taken for alive for so long.
          "broker.session.timeout.ms": 2000,
          "broker.heartbeat.interval.ms": 500,
        },
      });
      const { address } = kafka;
      kafkasTools = new ToolBelt(() => address);
      const isLed = (printed: string) => printed.split("Leader: 1\t").length === 7;
      await kafkasTools.until(isLed, "kafka-topics", "--describe");
      const after = await topicIds(kafkasTools);
      expect(after).to.contain("Topic: orders").and.contain("Topic: audit").and.contain("retention.ms=7200000");
      expect(after).to.equal(described);
      for (const topic of TOPICS) expect(await faults(address, topic, RECORDS)).to.deep.equal([]);
      const status = await kafkasTools.ask("kafka-metadata-quorum", "describe", "--status");
      expect(JSON.parse(/^CurrentVoters: +(.*)$/m.exec(status)![1]!).map(({ id }: { id: number }) => id)).to.deep.equal(
        [1],
      );
    });

    it("takes what is written to Kafka", async () => {
      await write(kafka!.address, "orders", 100, RECORDS);
      expect(await faults(kafka!.address, "orders", RECORDS + 100)).to.deep.equal([]);
      expect(kafka!.output).not.to.match(/corrupt/i);
    });
  });
}

/** The lines of `kafka-topics --describe` that are about whole topics: names, ids, counts, settings. */
async function topicIds(tools: ToolBelt): Promise<string> {
  const printed = await tools.ask("kafka-topics", "--describe");
  const lines = printed.split("\n").filter(line => line.startsWith("Topic: "));
  return lines.sort().join("\n");
}
