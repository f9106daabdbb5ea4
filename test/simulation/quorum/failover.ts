/**
 * How long a quorum of three is without a leader after faults, and how often it changes its leader for nothing.
 *
 *     node test/simulation/quorum/failover.ts [--seeds 200]
 *
 * Links take 0.1 to 1 ms one way and syncs up to 2 ms. Times are from the fault until a leader has committed a record of its epoch and serves.
 */
import { KRAFT_VERSION_RANGE } from "../../../src/raft/voter-set.ts";
import { World } from "../world.ts";
import { formatDisk, LISTENER, PORT, QuorumNode } from "./quorum-node.ts";

const NAMES = ["n1", "n2", "n3"];
const WARM_UP_MS = 3_000;
const LIMIT_MS = 10_000;

export interface FailoverRun {
  /** Until somebody else served; null when nobody had to, or did. */
  readonly outageMs: number | null;
  /** Epochs begun after the fault. */
  readonly elections: number;
}

export type Fault =
  | { readonly kind: "kill" | "silence" | "stop" | "cut" }
  /** The event loop of the leader or a follower stands still every so often, for a minute. */
  | {
      readonly kind: "pauses";
      readonly whose: "leader" | "follower";
      readonly pauseMs: number;
      readonly everyMs: number;
    };

export async function runFailover(seed: number, fault: Fault): Promise<FailoverRun> {
  const world = new World({ seed: `failover ${seed}`, machineNames: NAMES });
  const nodes = new Map<string, QuorumNode>();
  const directoryId = (name: string): string => `directory000000000000${name.slice(1)}A`.slice(-22);
  const voters = NAMES.map(name => ({
    voterId: Number(name.slice(1)),
    voterDirectoryId: directoryId(name),
    endpoints: [{ name: LISTENER, host: name, port: PORT }],
    kRaftVersionFeature: KRAFT_VERSION_RANGE,
  }));
  const fail = (error: Error): void => {
    throw error;
  };
  for (const name of NAMES) {
    const platform = world.machine(name).boot();
    formatDisk(platform, voters, 1);
    const node = new QuorumNode(
      {
        nodeId: Number(name.slice(1)),
        name,
        directoryId: directoryId(name),
        isController: true,
        staticVoters: [],
        bootstrapServers: NAMES.filter(other => other !== name).map(host => ({ host, port: PORT })),
        autoJoin: false,
        snapshotBytes: 1_000_000,
        retentionBytes: 1_000_000,
      },
      platform,
      {
        committed: () => {},
        snapshotLoaded: () => {},
        told: () => {},
        note: () => {},
        fatal: (_node, error) => fail(error),
      },
    );
    nodes.set(name, node);
    node.start();
  }
  const leader = (): QuorumNode | undefined => [...nodes.values()].find(({ leadingEpoch }) => leadingEpoch >= 0);
  const never = (): boolean => false;
  await world.run(WARM_UP_MS + world.random.float() * 1_000, never);
  const old = leader();
  if (old === undefined) throw new Error(`seed ${seed}: nobody led after ${WARM_UP_MS} ms`);
  const { name } = old.options;
  const epoch = old.leadingEpoch;
  const startMs = world.nowMs;
  if (fault.kind === "pauses") {
    const follower = NAMES.find(other => other !== name) as string;
    const machine = world.machine(fault.whose === "leader" ? name : follower);
    for (let atMs = 0; atMs < 60_000; atMs += fault.everyMs) {
      await world.run(fault.everyMs - fault.pauseMs, never);
      machine.pause();
      await world.run(fault.pauseMs, never);
      machine.resume();
    }
    await world.run(1_000, never);
    const epochs = [...nodes.values()].map(({ driver }) => driver?.leaderAndEpoch.epoch ?? 0);
    return { outageMs: null, elections: Math.max(...epochs) - epoch };
  }
  if (fault.kind === "stop") old.stop();
  else if (fault.kind === "cut") for (const other of NAMES) if (other !== name) world.cut(name, other, "both");
  if (fault.kind === "kill" || fault.kind === "silence") {
    world.machine(name).end(fault.kind);
    nodes.delete(name);
  }
  const isOver = await world.run(LIMIT_MS, () => [...nodes.values()].some(({ leadingEpoch }) => leadingEpoch > epoch));
  const epochs = [...nodes.values()].map(node => node.driver?.leaderAndEpoch.epoch ?? 0);
  return { outageMs: isOver ? world.nowMs - startMs : null, elections: Math.max(...epochs) - epoch };
}

if (import.meta.main) {
  const at = process.argv.indexOf("--seeds");
  const count = at < 0 ? 200 : Number(process.argv[at + 1]);
  console.log("| fault | median ms | p99 ms | worst ms | elections per fault |");
  for (const kind of ["kill", "stop", "silence", "cut"] as const) {
    const runs: FailoverRun[] = [];
    for (let seed = 1; seed <= count; seed += 1) runs.push(await runFailover(seed, { kind }));
    const times = runs.map(({ outageMs }) => outageMs ?? Infinity).sort((a, b) => a - b);
    const elections = runs.reduce((sum, run) => sum + run.elections, 0) / count;
    const quantile = (share: number): string =>
      (times[Math.min(count - 1, Math.floor(share * count))] as number).toFixed(0);
    console.log(`| ${kind} | ${quantile(0.5)} | ${quantile(0.99)} | ${quantile(1)} | ${elections.toFixed(2)} |`);
  }
  console.log("\n| event loop stands still | whose | minutes | needless elections |");
  for (const pauseMs of [100, 250, 500, 800]) {
    for (const whose of ["leader", "follower"] as const) {
      const minutes = Math.max(1, Math.floor(count / 20));
      let elections = 0;
      for (let seed = 1; seed <= minutes; seed += 1) {
        elections += (await runFailover(seed, { kind: "pauses", whose, pauseMs, everyMs: 2_000 })).elections;
      }
      console.log(`| ${pauseMs} ms every 2 s | ${whose} | ${minutes} | ${elections} |`);
    }
  }
}
