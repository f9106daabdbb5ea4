/**
 * What clusters are put through. A scenario says who there is, which faults come and how often each, and what the administrator does meanwhile.
 *
 *     npm run simulate -- --scenario power-loss --seeds 100
 */
import type { Ambush } from "./ambushes.ts";
import type { AdminDeed } from "./clients/sim-admin.ts";

export type Fault =
  /** The process is killed, the machine stays. */
  | "kill"
  /** The machine loses power: what was not synced is lost, torn or kept by chance. */
  | "power"
  /** As `power`, and nobody hears a reset. */
  | "silence"
  | "powerAll"
  | "killAll"
  /** A clean stop, then a start. */
  | "stop"
  /** The event loop stands still. */
  | "pause"
  | "clock"
  | "slowDisk"
  /** Writes fail with ENOSPC for a while. */
  | "fullDisk"
  /** One sync or write fails with EIO; the broker has to end itself. */
  | "brokenDisk"
  /** The disk is replaced by an empty one. */
  | "loseDisk"
  | "cut"
  | "isolate"
  | "slow"
  /** Packets are lost: what is sent over a link takes a retransmission or several. */
  | "lossy"
  | "reset"
  | "heal"
  /** The leader of the metadata quorum gives up. */
  | "resign"
  /** A producer's process ends. */
  | "producer";

export interface Scenario {
  readonly name: string;
  readonly brokerCounts: readonly number[];
  /** So many nodes more are controllers only, and the brokers are brokers only; without it all are both. */
  readonly controllerCount?: number;
  /** Each comes as often as it stands here. */
  readonly faults: readonly Fault[];
  readonly faultEveryMs: readonly number[];
  readonly deeds: readonly AdminDeed[];
  readonly deedEveryMs: number;
  /** Virtual time under faults. */
  readonly chaosMs: number;
  readonly topics: number;
  readonly partitions: number;
  readonly replicationFactor: number;
  readonly settings?: Readonly<Record<string, string>>;
  /** Faults that wait for their moment, besides those of {@link faults}. */
  readonly ambushes?: readonly Ambush[];
  /** Of the topics with records. */
  readonly topicConfigs?: Readonly<Record<string, string>>;
  /** At the end all machines lose power once more, and everything has to be there again. */
  readonly endsInPowerLoss?: boolean;
}

const NETWORK: readonly Fault[] = ["cut", "slow", "lossy", "reset", "heal", "heal"];

/** Three brokers, all of them controllers. */
const CLUSTER = {
  brokerCounts: [3],
  chaosMs: 3_000,
  topics: 2,
  partitions: 2,
  replicationFactor: 3,
} as const;

/** Who is out of sync soon, and fenced soon. */
const NERVOUS = {
  "replica.lag.time.max.ms": "250",
  "replica.fetch.wait.max.ms": "100",
  "broker.session.timeout.ms": "1000",
  "broker.heartbeat.interval.ms": "150",
} as const;

/** These lie in wait for a moment, see `ambushes.ts`; they are run by name. */
export const ambushScenarios: readonly Scenario[] = [
  {
    ...CLUSTER,
    name: "all-in-sync",
    faults: ["pause", "slow", "slowDisk", "kill", "producer", "heal", "heal"],
    faultEveryMs: [250, 600],
    deeds: ["configs"],
    deedEveryMs: 400,
    settings: NERVOUS,
    ambushes: ["slowFollower", "farProducers"],
    topicConfigs: { "min.insync.replicas": "3" },
  },
  {
    ...CLUSTER,
    name: "isr-ambush",
    faults: ["pause", "slowDisk", "kill", "cut", "heal", "heal"],
    faultEveryMs: [300, 800],
    deeds: ["elect"],
    deedEveryMs: 400,
    settings: NERVOUS,
    ambushes: ["slowControl", "stallJoiner", "restartJoiner", "killOther", "pauseProposer", "slowFollower"],
  },
  {
    ...CLUSTER,
    name: "joiners",
    faults: ["pause", "slowDisk", "reset"],
    faultEveryMs: [400, 800],
    deeds: ["elect"],
    deedEveryMs: 500,
    chaosMs: 6_000,
    settings: NERVOUS,
    ambushes: ["slowControl", "stallJoiner", "restartJoiner", "slowFollower"],
  },
  {
    ...CLUSTER,
    name: "deaf-brokers",
    faults: ["pause", "resign", "kill", "slow", "heal"],
    faultEveryMs: [500, 1000],
    deeds: ["elect"],
    deedEveryMs: 250,
    settings: NERVOUS,
    ambushes: ["deafen", "deafenCommitter", "slowFollower", "killOther"],
  },
  {
    ...CLUSTER,
    name: "leaders-fall",
    faults: ["slow", "slowDisk", "pause", "heal"],
    faultEveryMs: [300, 800],
    deeds: ["elect"],
    deedEveryMs: 300,
    settings: NERVOUS,
    ambushes: ["killCommitter", "killCommitterOfFew", "slowFollower"],
  },
];

export const scenarios: readonly Scenario[] = [
  {
    name: "one-broker",
    brokerCounts: [1],
    faults: ["kill", "power", "stop", "pause", "clock", "slowDisk", "producer", ...NETWORK],
    faultEveryMs: [200, 500, 1500],
    deeds: ["create", "delete", "configs", "deleteRecords"],
    deedEveryMs: 150,
    chaosMs: 5_000,
    topics: 2,
    partitions: 2,
    replicationFactor: 1,
  },
  {
    name: "one-broker-power-loss",
    brokerCounts: [1],
    faults: ["power", "power", "power", "stop", "slowDisk"],
    faultEveryMs: [150, 400],
    deeds: ["configs", "configs", "deleteRecords", "create", "delete"],
    deedEveryMs: 100,
    chaosMs: 5_000,
    topics: 2,
    partitions: 2,
    replicationFactor: 1,
    endsInPowerLoss: true,
  },
  {
    name: "one-broker-bad-disk",
    brokerCounts: [1],
    faults: ["fullDisk", "fullDisk", "brokenDisk", "slowDisk", "kill", "power"],
    faultEveryMs: [400, 1000],
    deeds: ["create", "delete", "configs", "deleteRecords"],
    deedEveryMs: 200,
    chaosMs: 5_000,
    topics: 2,
    partitions: 2,
    replicationFactor: 1,
    endsInPowerLoss: true,
  },
  {
    ...CLUSTER,
    name: "elections",
    faults: ["kill", "kill", "silence", "resign", "pause", "isolate", "cut", "heal", "heal", "stop"],
    faultEveryMs: [400, 1000],
    deeds: ["elect", "elect", "create"],
    deedEveryMs: 250,
  },
  {
    ...CLUSTER,
    name: "produce",
    faults: ["kill", "power", "pause", "slowDisk", "clock", "producer", ...NETWORK],
    faultEveryMs: [300, 800],
    deeds: ["configs", "deleteRecords"],
    deedEveryMs: 250,
  },
  {
    ...CLUSTER,
    name: "isr-churn",
    faults: ["pause", "pause", "slow", "lossy", "slowDisk", "cut", "heal", "heal", "power", "kill"],
    faultEveryMs: [250, 600],
    deeds: ["configs", "elect"],
    deedEveryMs: 400,
    settings: { "replica.lag.time.max.ms": "800" },
  },
  {
    ...CLUSTER,
    name: "reassignment",
    replicationFactor: 2,
    faults: ["kill", "pause", "slow", "reset", "cut", "heal", "heal", "stop"],
    faultEveryMs: [500, 1200],
    deeds: ["reassign", "reassign", "reassign", "cancel", "elect"],
    deedEveryMs: 250,
  },
  {
    ...CLUSTER,
    name: "controller-failover",
    faults: ["resign", "resign", "kill", "power", "pause", "cut", "heal", "heal"],
    faultEveryMs: [300, 800],
    deeds: ["create", "create", "delete", "configs", "elect", "reassign"],
    deedEveryMs: 100,
  },
  {
    ...CLUSTER,
    name: "disk-loss",
    faults: ["loseDisk", "loseDisk", "loseDisk", "power", "pause", "slowDisk"],
    faultEveryMs: [500, 1500],
    deeds: ["configs", "create", "delete"],
    deedEveryMs: 300,
  },
  {
    ...CLUSTER,
    name: "full-restart",
    faults: ["powerAll", "powerAll", "killAll", "power", "slowDisk", "stop"],
    faultEveryMs: [800, 2000],
    deeds: ["configs", "create", "delete", "deleteRecords"],
    deedEveryMs: 250,
    endsInPowerLoss: true,
  },
  {
    ...CLUSTER,
    name: "snapshots",
    faults: ["stop", "power", "silence", "loseDisk", "resign", "cut", "heal", "heal"],
    faultEveryMs: [500, 1200],
    deeds: ["create", "create", "delete", "delete", "configs"],
    deedEveryMs: 60,
    settings: { "metadata.log.max.record.bytes.between.snapshots": "1500", "metadata.max.retention.bytes": "3000" },
  },
  {
    ...CLUSTER,
    name: "bad-disks",
    faults: ["fullDisk", "brokenDisk", "slowDisk", "kill", "power"],
    faultEveryMs: [500, 1200],
    deeds: ["create", "delete", "configs", "deleteRecords"],
    deedEveryMs: 250,
  },
  {
    ...CLUSTER,
    name: "five-brokers",
    brokerCounts: [5],
    faults: [
      "kill",
      "kill",
      "power",
      "silence",
      "pause",
      "stop",
      "resign",
      "isolate",
      "cut",
      "heal",
      "heal",
      "slowDisk",
    ],
    faultEveryMs: [250, 600],
    deeds: ["create", "delete", "configs", "elect", "reassign", "reassign"],
    deedEveryMs: 250,
    chaosMs: 2_500,
  },
  {
    ...CLUSTER,
    name: "roles-apart",
    controllerCount: 3,
    faults: ["kill", "kill", "power", "silence", "pause", "stop", "resign", "isolate", "cut", "heal", "heal"],
    faultEveryMs: [250, 600],
    deeds: ["create", "delete", "configs", "elect", "reassign"],
    deedEveryMs: 200,
  },
];

export function scenarioNamed(name: string): Scenario {
  const all = [...scenarios, ...ambushScenarios];
  const scenario = all.find(each => each.name === name);
  if (scenario === undefined) {
    throw new Error(`no scenario ${name}: there are ${all.map(each => each.name).join(", ")}`);
  }
  return scenario;
}
