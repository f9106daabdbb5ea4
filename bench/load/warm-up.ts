/**
 * Runs loads on brokers before anything is measured. A JVM interprets code before it compiles it, and compiles it again, better, after some ten
 * thousand calls, while two cores have to do that and the load: Kafka reaches its speed only after many seconds of each kind of request.
 */
import { createTopics, deleteTopics, leadersNow } from "../admin.ts";
import { CONSUME_DEFAULTS, PRODUCE_DEFAULTS } from "./loads.ts";
import type { Row } from "./rows.ts";
import { runLoad } from "./run-load.ts";

export interface WarmUp {
  readonly rows: readonly Row[];
  /** Of each load. */
  readonly durationMs: number;
  readonly replicationFactor: number;
}

/** @param address of a broker that leads, or knows who does */
export async function warmUp(address: string, { rows, durationMs, replicationFactor }: WarmUp): Promise<void> {
  for (const [index, { produce, consumeTitle }] of rows.entries()) {
    const topic = `warm-up-${process.pid}-${index}-${Math.floor(performance.now())}`;
    const { partitions, recordSizeBytes } = { ...PRODUCE_DEFAULTS, ...produce };
    await createTopics(address, [topic], { partitions, replicationFactor });
    const leaders = await leadersNow(address, topic);
    const common = { address, leaders, partitions, warmupMs: 0, durationMs };
    await runLoad([], { ...PRODUCE_DEFAULTS, ...produce, ...common, topics: [topic] });
    if (consumeTitle !== undefined) await runLoad([], { ...CONSUME_DEFAULTS, ...common, topic, recordSizeBytes });
    await deleteTopics(address, [topic]);
  }
}
