/**
 * How a partition changes: who leads it, who is in sync, who else holds all that was committed. Every change of a partition that exists is
 * decided here, whatever caused it, in the order of Kafka's controller:
 *
 * 1. A reassignment whose target replicas are all in sync is completed (KIP-455).
 * 2. Where the ISR falls below its minimum, those who leave it become eligible leader replicas (ELR, KIP-966): the leader moves no high
 *    watermark until the minimum is reached again, so they hold all that was committed. They cease to be when it is.
 * 3. A leader is elected where the one there is may no longer lead: from the ISR; where that is empty, from the ELR; else the partition waits.
 *    Only an unclean election, which somebody has to ask for or configure, goes beyond.
 *
 * Unlike Kafka the last known leader is not elected by itself: that is an unclean election like others, in which it comes first.
 */
import type { PartitionChangeRecord } from "../../../protocol/internal/metadata/topic.ts";
import { metadataVersionOf, partitionRecordVersion } from "../features.ts";
import type { MetadataImage } from "../image.ts";
import { type MetadataRecord, record } from "../records.ts";
import { NO_LEADER, NO_LEADER_CHANGE, type PartitionImage, RECOVERING } from "../topics-image.ts";

/** `preferred`: the first replica, where that may lead. `online`: the leader there is, where it may lead on. `unclean`: anybody rather than nobody. */
export type Election = "preferred" | "online" | "unclean";

/** What is asked for; what is left out stays. */
export interface PartitionTarget {
  readonly isr?: readonly number[];
  readonly replicas?: readonly number[];
  readonly addingReplicas?: readonly number[];
  readonly removingReplicas?: readonly number[];
  readonly leaderRecoveryState?: number;
  /** New directories, by broker. */
  readonly directories?: ReadonlyMap<number, string>;
  /** Replicas that may have lost records: they are not to be in the ELR. */
  readonly lossy?: readonly number[];
  /** A reassignment under way is not completed yet, though it could be. */
  readonly goesOnMoving?: boolean;
  /** `online` unless given. */
  readonly election?: Election;
}

/** What holds for the partition's topic and the cluster at the time. */
export interface PartitionRules {
  /** Whether the replica's broker is active and its log directory online. */
  mayLead(brokerId: number, directory: string | undefined): boolean;
  /** Directory of a replica that is new. */
  directoryOf(brokerId: number): string;
  /** `min.insync.replicas` of the topic where a partition has so many replicas. */
  minIsr(replicationFactor: number): number;
  readonly hasElr: boolean;
}

/** Fields of a PartitionChangeRecord that change something. */
export type PartitionChange = Partial<Omit<PartitionChangeRecord, "topicId" | "partitionId">>;

/** A change of one partition; what `change` leaves out stays. */
export function partitionChangeRecord(
  topicId: string,
  partition: number,
  change: PartitionChange,
  image: MetadataImage,
): MetadataRecord {
  const version = partitionRecordVersion(metadataVersionOf(image));
  return record("PartitionChangeRecord", version, {
    partitionId: partition,
    topicId,
    isr: null,
    leader: NO_LEADER_CHANGE,
    replicas: null,
    removingReplicas: null,
    addingReplicas: null,
    leaderRecoveryState: -1,
    eligibleLeaderReplicas: null,
    lastKnownElr: null,
    ...change,
    directories: version >= 1 ? (change.directories ?? null) : null,
  });
}

/** What has to change for `partition` to become what is asked for, and sound; null when nothing. */
export function changeOf(
  partition: PartitionImage,
  target: PartitionTarget,
  rules: PartitionRules,
): PartitionChange | null {
  const draft = draftOf(partition, target);
  if (target.goesOnMoving !== true) completeReassignment(draft);
  if (draft.isr.length === 0 && !rules.hasElr) draft.isr = partition.isr;
  chooseEligible(draft, rules);
  elect(draft, target.election ?? "online", rules);
  const change = differenceOf(draft, rules);
  return Object.keys(change).length === 0 ? null : change;
}

/** A partition on its way from what it is. */
interface Draft {
  readonly partition: PartitionImage;
  readonly lossy: readonly number[];
  readonly directories: ReadonlyMap<number, string> | undefined;
  isr: readonly number[];
  replicas: readonly number[];
  addingReplicas: readonly number[];
  removingReplicas: readonly number[];
  eligible: readonly number[];
  leader: number;
  leaderRecoveryState: number;
}

function draftOf(partition: PartitionImage, target: PartitionTarget): Draft {
  return {
    partition,
    lossy: target.lossy ?? [],
    directories: target.directories,
    isr: target.isr ?? partition.isr,
    replicas: target.replicas ?? partition.replicas,
    addingReplicas: target.addingReplicas ?? partition.addingReplicas,
    removingReplicas: target.removingReplicas ?? partition.removingReplicas,
    eligible: partition.eligibleLeaderReplicas,
    leader: partition.leader,
    leaderRecoveryState: target.leaderRecoveryState ?? partition.leaderRecoveryState,
  };
}

/** Once all replicas that are to stay are in sync, the others go. */
function completeReassignment(draft: Draft): void {
  const { addingReplicas, removingReplicas } = draft;
  if (addingReplicas.length === 0 && removingReplicas.length === 0) return;
  const replicas = without(draft.replicas, removingReplicas);
  const isr = without(draft.isr, removingReplicas);
  if (replicas.length === 0 || !replicas.every(id => isr.includes(id))) return;
  draft.replicas = replicas;
  draft.isr = isr;
  draft.addingReplicas = [];
  draft.removingReplicas = [];
}

function chooseEligible(draft: Draft, rules: PartitionRules): void {
  const minimum = minimumOf(draft, rules);
  if (draft.isr.length >= minimum || (!rules.hasElr && draft.isr.length > 0)) draft.eligible = [];
  // Where nobody is in sync, who was eligible before the feature was taken away still is.
  if (draft.isr.length >= minimum || !rules.hasElr) return;
  const candidates = new Set([...draft.eligible, ...draft.partition.isr]);
  draft.eligible = [...candidates]
    .filter(id => draft.replicas.includes(id) && !draft.isr.includes(id) && !draft.lossy.includes(id))
    .sort((a, b) => a - b);
}

/**
 * In-sync replicas that the ELR needs to be let go. Replicas that are being added do not count, as in Kafka's controller; the leader counts them
 * (Kafka's `Partition.effectiveMinIsr`), which asks for no fewer than this.
 */
function minimumOf({ replicas, addingReplicas }: Draft, rules: PartitionRules): number {
  const replicationFactor = replicas.length - addingReplicas.length;
  return Math.min(rules.minIsr(replicationFactor), replicationFactor);
}

function elect(draft: Draft, election: Election, rules: PartitionRules): void {
  const { partition, isr, replicas } = draft;
  const isAlive = (id: number) => rules.mayLead(id, draft.directories?.get(id) ?? directoryIn(partition, id));
  // An empty ISR is what lets the ELR in: while it has a member, that one may have acknowledged more.
  const isClean = (id: number) => (isr.length === 0 ? draft.eligible : isr).includes(id) && isAlive(id);
  const leader = cleanLeader(draft, election, isClean);
  if (leader === partition.leader && leader !== NO_LEADER) return;
  if (leader !== NO_LEADER) {
    draft.leader = leader;
    if (isr.includes(leader)) return;
    draft.isr = [leader];
    // Where one is enough, the new leader may acknowledge at once what the others do not have.
    draft.eligible = minimumOf(draft, rules) > 1 ? without(draft.eligible, [leader]) : [];
    return;
  }
  // Where there is only one replica, no other could ever hold more than it: waiting would help nobody.
  const only = replicas.length === 1 ? replicas.find(isAlive) : undefined;
  const lastKnown = partition.lastKnownElr.filter(id => replicas.includes(id));
  const unclean = election === "unclean" ? [...lastKnown, ...replicas].find(isAlive) : undefined;
  const found = only ?? unclean;
  draft.leader = found ?? NO_LEADER;
  if (found === undefined) return;
  draft.isr = [found];
  draft.eligible = [];
  if (only === undefined) draft.leaderRecoveryState = RECOVERING;
}

function cleanLeader({ partition, replicas }: Draft, election: Election, isClean: (id: number) => boolean): number {
  const [preferred] = replicas;
  if (election === "preferred" && preferred !== undefined && isClean(preferred)) return preferred;
  if (replicas.includes(partition.leader) && isClean(partition.leader)) return partition.leader;
  return replicas.find(isClean) ?? NO_LEADER;
}

/** The fields that differ from what the partition was. */
function differenceOf(draft: Draft, rules: PartitionRules): PartitionChange {
  const { partition } = draft;
  const change: { -readonly [K in keyof PartitionChange]: PartitionChange[K] } = {};
  if (!isEqual(draft.isr, partition.isr)) change.isr = [...draft.isr];
  if (draft.leader !== partition.leader) change.leader = draft.leader;
  // Replicas that are gone must not go on fetching under the epoch that they know.
  else if (!partition.replicas.every(id => draft.replicas.includes(id))) change.leader = partition.leader;
  if (!isEqual(draft.replicas, partition.replicas)) change.replicas = [...draft.replicas];
  if (!isEqual(draft.removingReplicas, partition.removingReplicas))
    change.removingReplicas = [...draft.removingReplicas];
  if (!isEqual(draft.addingReplicas, partition.addingReplicas)) change.addingReplicas = [...draft.addingReplicas];
  if (!isEqual(draft.eligible, partition.eligibleLeaderReplicas)) change.eligibleLeaderReplicas = [...draft.eligible];
  if (draft.leaderRecoveryState !== partition.leaderRecoveryState)
    change.leaderRecoveryState = draft.leaderRecoveryState;
  const lastKnown = lastKnownElr(draft, rules);
  if (!isEqual(lastKnown, partition.lastKnownElr)) change.lastKnownElr = [...lastKnown];
  const directories = directoriesOf(draft, rules);
  if (!isEqual(directories, partition.directories)) change.directories = directories;
  return change;
}

/** Remembers who led last, for as long as nobody does and the ISR is empty. */
function lastKnownElr({ partition, isr, leader }: Draft, { hasElr }: PartitionRules): readonly number[] {
  if (leader !== NO_LEADER || !hasElr) return [];
  return isr.length === 0 && partition.leader !== NO_LEADER ? [partition.leader] : partition.lastKnownElr;
}

function directoriesOf({ partition, replicas, directories }: Draft, rules: PartitionRules): string[] {
  return replicas.map(id => directories?.get(id) ?? directoryIn(partition, id) ?? rules.directoryOf(id));
}

function directoryIn(partition: PartitionImage, brokerId: number): string | undefined {
  const position = partition.replicas.indexOf(brokerId);
  return position < 0 ? undefined : partition.directories[position];
}

export function without(ids: readonly number[], removed: readonly number[]): readonly number[] {
  return ids.some(id => removed.includes(id)) ? ids.filter(id => !removed.includes(id)) : ids;
}

function isEqual<T>(a: readonly T[], b: readonly T[]): boolean {
  return a === b || (a.length === b.length && a.every((item, index) => item === b[index]));
}
