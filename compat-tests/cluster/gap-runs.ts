/**
 * How long clients wait for an acknowledgement when a node dies: three real processes, an idempotent librdkafka producer with its default settings, and
 * a fault in the midst of it, again and again.
 *
 * ```ts
 * for await (const run of gapRuns({ faults: ["leader"], runs: 10 })) console.log(run.gapMs);
 * ```
 *
 * Every run checks besides that each acknowledged record is there once, where it was promised, and in order.
 */
import { longestGap, verifyKept } from "./acknowledgements.ts";
import { IdempotentProducer } from "./idempotent-producer.ts";
import { ProcessCluster } from "./process-cluster.ts";
import { readBack } from "./read-back.ts";
import type { LoggedEvent } from "./test-cluster.ts";

/** What is done to a node, and to which. */
export const GAP_FAULTS = {
  leader: "kill -9 of a node that leads partitions, and is not the active controller",
  controller: "kill -9 of the active controller, which leads no partition",
  both: "kill -9 of the active controller, which leads partitions too",
  "stop-leader": "SIGSTOP of a node that leads partitions, and is not the active controller",
  "stop-both": "SIGSTOP of the active controller, which leads partitions too",
} as const;

export type GapFault = keyof typeof GAP_FAULTS;

export interface GapRunsOptions {
  readonly faults: readonly GapFault[];
  readonly runs: number;
  /** Default 40,000: two seconds with the default rate. */
  readonly records?: number;
  /** Default 20,000. */
  readonly recordsPerSecond?: number;
  /** Settings of the brokers. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface GapRun {
  readonly fault: GapFault;
  /** The longest time without an acknowledgement of one partition, of those that were not over when the fault came. */
  readonly gapMs: number;
  /** When that gap began and ended, after the fault. */
  readonly fromMs: number;
  readonly untilMs: number;
  /** What the nodes logged from the fault on until the gap was over, with times after the fault. */
  readonly events: readonly LoggedEvent[];
}

const PARTITIONS = 6;
/** When the fault happens, as a part of all records. */
const FAULT_AT = 0.3;
/** Silence is longer than death takes to be noticed, and so is the time of records. */
const STOP_RECORDS_FACTOR = 3;

/** Runs of each fault, one after the other on one cluster, which is whole again before each. */
export async function* gapRuns(options: GapRunsOptions): AsyncGenerator<GapRun> {
  const cluster = await ProcessCluster.start({ settings: options.settings ?? {} });
  try {
    for (const fault of options.faults) {
      for (let run = 1; run <= options.runs; run += 1) yield await gapRun(cluster, fault, `${fault}-${run}`, options);
    }
  } finally {
    await cluster.dispose();
  }
}

async function gapRun(
  cluster: ProcessCluster,
  fault: GapFault,
  topic: string,
  { records = 40_000, recordsPerSecond = 20_000 }: GapRunsOptions,
): Promise<GapRun> {
  const controller = await cluster.activeController();
  const others = cluster.nodeIds.filter(id => id !== controller);
  const leaders = fault === "controller" ? others : [controller, ...others];
  await cluster.createTopicLedBy(topic, PARTITIONS, leaders);
  const victim = fault.endsWith("leader") ? others[0]! : controller;
  const isStop = fault.startsWith("stop-");
  const producer = await IdempotentProducer.start({
    bootstrapServers: cluster.bootstrapServers,
    topic,
    partitions: PARTITIONS,
    count: records * (isStop ? STOP_RECORDS_FACTOR : 1),
    recordsPerSecond,
  });
  try {
    const startedMs = producer.go();
    await producer.acknowledged(records * FAULT_AT);
    const faultMs = Date.now();
    cluster.signal(victim, isStop ? "SIGSTOP" : "SIGKILL");
    const acknowledgements = await producer.finished();
    if (isStop) cluster.signal(victim, "SIGCONT");
    else await cluster.local("restart", String(victim));
    await cluster.whole(topic);
    verifyKept(acknowledgements, await readBack(cluster.bootstrapServers, topic));
    await cluster.client("topics", "delete", topic);
    const gap = longestGap(acknowledgements, faultMs - startedMs);
    const [fromMs, untilMs] = [gap.fromMs, gap.untilMs].map(atMs => startedMs + atMs - faultMs) as [number, number];
    return { fault, gapMs: gap.untilMs - gap.fromMs, fromMs, untilMs, events: cluster.eventsAfter(faultMs, untilMs) };
  } finally {
    producer.kill();
    if (isStop) cluster.signal(victim, "SIGCONT");
  }
}
