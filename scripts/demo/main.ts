/**
 * `npm run demo`: the main job on real input.
 *
 * Starts a broker process, creates a topic of 6 partitions for each client and codec, and produces flights (keyed by distance) with kafkajs and
 * with kcat (librdkafka) in every codec. In the middle of every run the broker is killed with -9 and started again. Then both clients read
 * everything back, and every acknowledged record must be there once and in order. Prints what it does; exits non-zero at the first difference.
 */
import { BrokerProcess } from "../../compat-tests/support/broker-process.ts";
import { kafkajsClient, readTopicWithKafkajs } from "../../compat-tests/support/kafkajs.ts";
import { hasKcat, readTopicWithKcat } from "../../compat-tests/support/kcat.ts";
import { loadFlights } from "./flights.ts";
import { CODECS, type Produce, produceWithKafkajs, produceWithKcat } from "./producers.ts";
import { verify, verifySame } from "./verify.ts";

const ROWS = Number(process.env.DEMO_ROWS ?? 100_000);
const PARTITIONS = 6;

const rows = loadFlights(ROWS);
console.log(
  `${rows.length.toLocaleString("en")} flights, keyed by distance, into ${PARTITIONS} partitions; kill -9 in the middle of every run`,
);
const producers: [string, Produce][] = [["kafkajs", produceWithKafkajs]];
if (hasKcat) producers.push(["kcat", produceWithKcat]);
else console.log("kcat is not installed (apt-get install kcat, brew install kcat): only kafkajs runs");

const broker = await BrokerProcess.start();
try {
  const admin = kafkajsClient(broker.address, { retry: { retries: 5 } }).admin();
  await admin.connect();
  for (const [client, produce] of producers) {
    for (const codec of CODECS) {
      const topic = `flights-${client}-${codec}`;
      await admin.createTopics({
        topics: [{ topic, numPartitions: PARTITIONS, replicationFactor: 1 }],
        waitForLeaders: true,
      });
      const started = performance.now();
      const report = await produce(broker, topic, codec, rows);
      const producedMs = performance.now() - started;
      const read = await readTopicWithKafkajs(broker.address, topic);
      verify(read, report.acknowledged, rows);
      if (hasKcat) verifySame(read, await readTopicWithKcat(broker.address, topic));
      console.log(
        [
          client.padEnd(8),
          codec.padEnd(7),
          `${report.acknowledged.length.toLocaleString("en")} acknowledged`,
          `${report.resent} sent again after the kill`,
          `down ${report.downMs.toFixed(0)} ms`,
          `${(producedMs / 1000).toFixed(1)} s`,
          `${read.length.toLocaleString("en")} read back by kafkajs${hasKcat ? " and kcat" : ""}: each acknowledged one once, in order`,
        ].join(" | "),
      );
    }
  }
  await admin.disconnect();
  await broker.stop();
  console.log("done: nothing lost, nothing twice, nothing out of order");
} finally {
  await broker.dispose();
}
