/** What users of kafkajs see. */
import { kafkajsClient } from "../../compat-tests/support/kafkajs.ts";
import { type Client, SIZE_BYTES, timed } from "./client.ts";

const MESSAGES_PER_SEND = 1000;

export const kafkajs: Client = {
  name: "kafkajs",
  missing: () => null,
  async produce(address, topic, records) {
    const producer = kafkajsClient(address).producer();
    await producer.connect();
    const value = Buffer.alloc(SIZE_BYTES, "x");
    const messages = Array.from({ length: MESSAGES_PER_SEND }, () => ({ value }));
    const seconds = await timed(async () => {
      for (let sent = 0; sent < records; sent += MESSAGES_PER_SEND) await producer.send({ topic, messages, acks: -1 });
    });
    await producer.disconnect();
    return seconds;
  },
  async consume(address, topic, records) {
    const consumer = kafkajsClient(address, { retry: { retries: 5 } }).consumer({ groupId: `bench-${Date.now()}` });
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    const done = Promise.withResolvers<void>();
    let started = 0;
    let count = 0;
    await consumer.run({
      eachBatch: async ({ batch }) => {
        // Joining the group takes time that says nothing about reading.
        if (started === 0) started = performance.now();
        count += batch.messages.length;
        if (count >= records) done.resolve();
      },
    });
    await done.promise;
    const seconds = (performance.now() - started) / 1000;
    await consumer.disconnect();
    return seconds;
  },
};
