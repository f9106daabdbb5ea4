/** Produces until every partition of a topic has taken a record. */
import { Produce } from "../../protocol/apis/00-produce.ts";
import { BatchBuilder } from "../../protocol/records/builder.ts";
import { ZERO_UUID } from "../../protocol/schema.ts";
import { ask } from "../admin.ts";

const RETRY_MS = 5;
const LIMIT_MS = 600_000;

export async function firstAccepted(address: string, topic: string, partitions: number): Promise<void> {
  const value = Buffer.from("x");
  const records = new BatchBuilder({}).append({ timestamp: Date.now(), key: null, value, headers: [] }).build();
  const deadline = performance.now() + LIMIT_MS;
  const waiting = new Set(Array.from({ length: partitions }, (_, index) => index));
  while (waiting.size > 0) {
    const partitionData = [...waiting].map(index => ({ index, records }));
    const topicData = [{ name: topic, topicId: ZERO_UUID, partitionData }];
    const answer = await ask(address, Produce, 7, { transactionalId: null, acks: -1, timeoutMs: 30_000, topicData });
    for (const { index, errorCode } of answer.responses[0]?.partitionResponses ?? []) {
      if (errorCode === 0) waiting.delete(index);
    }
    if (waiting.size === 0) return;
    if (performance.now() > deadline) throw new Error(`partitions ${[...waiting].join(", ")} take no records`);
    await new Promise(resolve => setTimeout(resolve, RETRY_MS));
  }
}
