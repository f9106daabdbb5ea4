/** A member of a group by kafkajs: see member-process.ts for what it is told and what it prints. */
import kafkajs from "kafkajs";
import type { MemberConfig } from "../member-process.ts";

const BATCH_RECORDS = 50;

const config = JSON.parse(process.argv[2]!) as MemberConfig;

function say(event: string, facts: object = {}): void {
  process.stdout.write(`${JSON.stringify({ event, ...facts })}\n`);
}

const client = new kafkajs.Kafka({
  brokers: config.bootstrap.split(","),
  clientId: "samsa-group-member",
  logLevel: kafkajs.logLevel.NOTHING,
});
const consumer = client.consumer({
  groupId: config.group,
  sessionTimeout: config.sessionTimeoutMs,
  rebalanceTimeout: config.sessionTimeoutMs * 2,
  heartbeatInterval: config.heartbeatIntervalMs,
  maxWaitTimeInMs: 100,
});
consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
  say("owned", { partitions: [...(payload.memberAssignment[config.topic] ?? [])].sort((a, b) => a - b) });
});
consumer.on(consumer.events.REBALANCING, () => say("owned", { partitions: [] }));
consumer.on(consumer.events.CRASH, ({ payload }) =>
  say("error", { message: payload.error.message, isRetried: payload.restart }),
);
process.stdin.on("end", async () => {
  await consumer.disconnect();
  say("closed");
  process.exit(0);
});
process.stdin.resume();

await consumer.connect();
await consumer.subscribe({ topics: [config.topic], fromBeginning: true });
await consumer.run({
  autoCommit: false,
  eachBatchAutoResolve: false,
  eachBatch: async ({ batch, resolveOffset, commitOffsetsIfNecessary, heartbeat, isRunning, isStale }) => {
    for (let at = 0; at < batch.messages.length && isRunning() && !isStale(); at += BATCH_RECORDS) {
      const slice = batch.messages.slice(at, at + BATCH_RECORDS);
      const last = slice.at(-1)!.offset;
      say("processed", { partition: batch.partition, first: Number(slice[0]!.offset), last: Number(last) });
      const offset = Number(last) + 1;
      try {
        // Not `consumer.commitOffsets`: that asks the coordinator of its last join again and again when the group has another by now (9 s a batch),
        // and hides from the runner that it is the generation that has ended, which then ends the consumer instead of joining again.
        const partitions = [{ partition: batch.partition, offset: String(offset) }];
        await commitOffsetsIfNecessary({ topics: [{ topic: batch.topic, partitions }] });
        say("committed", { partition: batch.partition, offset });
      } catch (error) {
        say("commit-failed", { partition: batch.partition, message: String(error) });
        throw error;
      }
      resolveOffset(last);
      await heartbeat();
    }
  },
});
