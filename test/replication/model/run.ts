/**
 * One history of a partition with three replicas under a seed: produce, crashes that lose what was not synced, elections, false alarms, cuts and
 * losses of the network, late metadata; then everything heals and must converge.
 */
import { crcAt } from "../../../protocol/records/batch.ts";
import { BatchBuilder } from "../../../protocol/records/builder.ts";
import { BrokerConfig } from "../../../src/config/index.ts";
import { createMemoryWorld, randomSurvival, SeededRandom } from "../../../src/platform/memory.ts";
import { DelayedProduce } from "../../../src/replication/delayed-produce.ts";
import { Checks } from "./checks.ts";
import { ModelController } from "./controller.ts";
import type { NetworkOptions } from "./network.ts";
import { ModelNode } from "./node.ts";

export interface RunOptions {
  readonly seed: number;
  /** Virtual time under faults. */
  readonly durationMs?: number;
}

export interface RunOutcome {
  readonly acknowledged: number;
  readonly committed: number;
  readonly crashes: number;
  readonly elections: number;
  readonly steps: number;
}

const IDS = [1, 2, 3];
const HEAL_MS = 30_000;

export async function run({ seed, durationMs = 1_500 }: RunOptions): Promise<RunOutcome> {
  const random = new SeededRandom(`replication ${seed}`);
  const world = createMemoryWorld({ seed, shuffle: true });
  const { time } = world;
  let fault: unknown = null;
  const cuts = new Set<string>();
  const network: NetworkOptions = {
    random: random.fork("network"),
    timers: time,
    maxDelayMs: random.pick([1, 3, 10]),
    lossRate: random.pick([0, 0.002, 0.02]),
    controllerLossRate: random.pick([0, 0.05, 0.4]),
    isCut: (from, to) => cuts.has(`${from}-${to}`),
  };
  const config = BrokerConfig.load({
    overrides: {
      "node.id": "1",
      "replica.lag.time.max.ms": String(random.pick([150, 400])),
      "replica.fetch.wait.max.ms": "50",
      "replica.fetch.backoff.ms": "40",
      "replica.fetch.max.bytes": String(random.pick([300, 1 << 20])),
      "min.insync.replicas": String(random.pick([1, 2])),
    },
  });
  const nodes: ModelNode[] = [];
  const controller = new ModelController({
    replicas: IDS,
    onImage: image => {
      for (const node of nodes) node.hear(image);
    },
  });
  for (const id of IDS) {
    nodes.push(
      new ModelNode(id, {
        world,
        config,
        controller,
        network,
        serverOf: other => nodes[other - 1]!.server,
        onFatal: error => {
          fault ??= error;
        },
      }),
    );
  }
  const checks = new Checks(nodes, controller);
  let steps = 0;
  let crashes = 0;
  let isHealing = false;
  let produced = 0;

  const start = async (node: ModelNode): Promise<void> => {
    await node.start();
    time.after(random.float() * 30, () => controller.unfence(node.id));
  };
  const guarded = (work: Promise<void>): void => {
    work.catch((error: unknown) => {
      fault ??= error;
    });
  };
  const crash = (node: ModelNode): void => {
    if (!node.isUp) return;
    crashes += 1;
    node.crash(randomSurvival(random, { kept: random.pick([0, 0.5, 1]) }));
    time.after(random.float() * 60, () => controller.fence(node.id));
    time.after(20 + random.float() * 200, () => guarded(start(node)));
  };
  const produce = (): void => {
    const node = random.pick(nodes);
    const { partition } = node;
    if (partition === null || partition.check(-1) !== 0) return;
    const isAll = random.chance(0.7);
    if (isAll && partition.isUnderMinIsr) return;
    const records = batch(++produced, 1 + random.integer(3));
    const { leaderEpoch } = partition;
    const outcome = partition.append(records, {
      leaderEpoch,
      origin: "client",
      retain: false,
      nowMs: time.now(),
    });
    if (!outcome.ok || !isAll) return;
    const endOffset = outcome.lastOffset + 1;
    let isFailed = false;
    const operation = new DelayedProduce<null>({
      failed: () => {
        isFailed = true;
      },
      completed: () => {
        if (isFailed || node.partition !== partition) return;
        try {
          checks.acknowledged(node, outcome.baseOffset, endOffset);
        } catch (error) {
          fault ??= error;
        }
      },
    });
    operation.await(partition, endOffset, null);
    operation.begin(node.replicas!.timeouts, 500);
  };
  const deleteRecords = ({ partition }: ModelNode): void => {
    if (partition === null || partition.check(-1) !== 0) return;
    const { logStartOffset, highWatermark } = partition;
    partition.log.advanceLogStart(logStartOffset + random.integer(highWatermark - logStartOffset + 1));
    partition.wakeFetches();
  };
  const disturb = (): void => {
    const node = random.pick(nodes);
    const what = random.integer(100);
    if (what < 25) crash(node);
    else if (what < 30) for (const each of nodes) crash(each);
    else if (what < 36) deleteRecords(node);
    else if (what < 50) controller.moveLeader(ids => random.pick(ids));
    else if (what < 65) {
      controller.fence(node.id);
      time.after(random.float() * 80, () => node.isUp && controller.unfence(node.id));
    } else {
      const other = random.pick(nodes.filter(each => each !== node));
      const cut = `${node.id}-${other.id}`;
      cuts.add(cut);
      time.after(random.float() * 250, () => cuts.delete(cut));
    }
  };
  const repeat = (meanMs: number, work: () => void): void => {
    time.after(random.float() * 2 * meanMs, () => {
      if (isHealing) return;
      work();
      repeat(meanMs, work);
    });
  };
  const check = (): void => {
    steps += 1;
    if (fault !== null) throw fault;
    checks.afterEvent();
  };
  const forMs = async (ms: number, isDone: () => boolean = () => false): Promise<void> => {
    const endMs = time.monotonic() + ms;
    while (time.monotonic() < endMs && !isDone()) {
      if (!(await time.step())) return;
      check();
    }
  };

  for (const node of nodes) guarded(start(node));
  await forMs(60);
  repeat(6, produce);
  repeat(random.pick([40, 120, 300]), disturb);
  await forMs(durationMs);

  isHealing = true;
  cuts.clear();
  network.lossRate = 0;
  network.controllerLossRate = 0;
  await forMs(400);
  for (const node of nodes) if (node.isUp) controller.unfence(node.id);
  // The last leader may be one that has nothing to write.
  if (random.chance(0.5)) controller.moveLeader(ids => random.pick(ids));
  const converged = (): boolean => {
    const { isr, leader } = controller.image.partition;
    if (isr.length < IDS.length || nodes.some(({ partition }) => partition === null)) return false;
    const logs = nodes.map(({ partition }) => partition!.log);
    const end = nodes[leader - 1]!.partition!.log.logEndOffset;
    const { logStartOffset } = nodes[leader - 1]!.partition!;
    return logs.every(
      log => log.logEndOffset === end && log.highWatermark === end && log.logStartOffset >= logStartOffset,
    );
  };
  await forMs(HEAL_MS, converged);
  if (!converged()) throw new Error(`no convergence in ${HEAL_MS} ms: ${describe(nodes, controller)}`);
  const startOffset = Math.max(...nodes.map(({ partition }) => partition!.logStartOffset));
  const [first, ...others] = nodes.map(node => checks.idsOf(node).slice(startOffset));
  for (const other of others) {
    if (other.length !== first!.length || other.some((id, offset) => id !== first![offset]))
      throw new Error("the replicas differ after all");
  }
  return {
    acknowledged: checks.acknowledgedCount,
    committed: checks.committedCount,
    crashes,
    elections: controller.image.partition.leaderEpoch,
    steps,
  };
}

function batch(id: number, count: number): Buffer {
  const builder = new BatchBuilder({ codec: 0 });
  for (let index = 0; index < count; index += 1) {
    builder.append({ timestamp: 1_767_225_600_000, key: null, value: Buffer.from(`${id}.${index}`), headers: [] });
  }
  const records = builder.build();
  crcAt(records, 0);
  return records;
}

function describe(nodes: readonly ModelNode[], controller: ModelController): string {
  const { leader, leaderEpoch, isr } = controller.image.partition;
  const states = nodes.map(({ id, partition }) => {
    if (partition === null) return `${id} down`;
    const { log } = partition;
    const role = partition.isLeader ? "leads" : `follows ${partition.leaderId}`;
    return `${id} ${role} in ${partition.leaderEpoch}, ${log.highWatermark}/${log.flushedOffset}/${log.logEndOffset}`;
  });
  return `leader ${leader} in ${leaderEpoch}, ISR ${isr.join()}; ${states.join("; ")}`;
}
