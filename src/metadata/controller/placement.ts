/**
 * Which brokers get the replicas of new partitions: spread over racks, then over the brokers of each rack, evenly, with another order of
 * leaders and followers from partition to partition, so that a lost broker's load falls on many (as Kafka's `StripedReplicaPlacer`).
 *
 * Deterministic: the same cluster, start and count give the same placement.
 */
import { ApiError, Errors } from "../../../protocol/errors.ts";

/** A broker that may be given replicas. */
export interface UsableBroker {
  readonly id: number;
  readonly rack: string | null;
  /** False when fenced: it may hold replicas but not lead, so it comes last. */
  readonly isActive: boolean;
}

export interface PlacementOptions {
  readonly partitionCount: number;
  readonly replicationFactor: number;
  /** Where in the circle of racks and brokers to begin; any integer ≥ 0. */
  readonly start: number;
}

/**
 * The replicas of each partition, the preferred leader first.
 * Throws `ApiError` INVALID_REPLICATION_FACTOR when there are too few brokers, or none that could lead.
 */
export function placeReplicas(brokers: readonly UsableBroker[], options: PlacementOptions): number[][] {
  const { partitionCount, replicationFactor, start } = options;
  checkEnoughBrokers(brokers, replicationFactor);
  const racks = racksOf(brokers, start);
  const partitions: number[][] = [];
  for (let partition = 0; partition < partitionCount; partition += 1) {
    partitions.push(placeOne(racks, replicationFactor, start, partition));
  }
  return partitions;
}

function checkEnoughBrokers(brokers: readonly UsableBroker[], replicationFactor: number): void {
  const problem =
    replicationFactor > brokers.length
      ? `The target replication factor of ${replicationFactor} cannot be reached because only ${brokers.length} broker(s) are registered.`
      : brokers.some(broker => broker.isActive)
        ? null
        : "All brokers are currently fenced or in controlled shutdown.";
  if (problem === null) return;
  throw new ApiError(
    Errors.INVALID_REPLICATION_FACTOR,
    `Unable to replicate the partition ${replicationFactor} time(s): ${problem}`,
  );
}

/** The brokers of one rack, each list in the order in which it is walked. */
interface Rack {
  readonly active: readonly number[];
  readonly inactive: readonly number[];
}

/** Racks in order of their names, begun at `start`; brokers without a rack share one. */
function racksOf(brokers: readonly UsableBroker[], start: number): Rack[] {
  const byName = new Map<string, { active: number[]; inactive: number[] }>();
  for (const broker of [...brokers].sort((a, b) => a.id - b.id)) {
    const name = broker.rack ?? "";
    const rack = byName.get(name) ?? { active: [], inactive: [] };
    byName.set(name, rack);
    (broker.isActive ? rack.active : rack.inactive).push(broker.id);
  }
  const racks = [...byName].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, rack]) => rack);
  return rotated(racks, start);
}

/**
 * One partition: its leader comes from the partition's rack, the followers from the racks after it, one each before any rack gives a second.
 * Every full turn over the brokers shifts the followers by one, so that the same leader is paired with others.
 */
function placeOne(racks: readonly Rack[], replicationFactor: number, start: number, partition: number): number[] {
  const leading = racks.filter(rack => rack.active.length > 0);
  const leaderRack = leading[partition % leading.length] as Rack;
  const turn = Math.floor(partition / leading.length);
  const leader = at(leaderRack.active, start + turn);
  const replicas = [leader];
  const first = racks.indexOf(leaderRack);
  const shift = Math.floor(turn / leaderRack.active.length);
  const circle = rotated(racks, first);
  const walks = circle.map((rack, index) =>
    candidates(rack, index === 0 ? start + turn : start + turn + shift, leader),
  );
  const followerWalks = [...rotated(walks.slice(1), shift), walks[0] as number[]];
  for (let round = 0; replicas.length < replicationFactor; round += 1) {
    for (const walk of followerWalks) {
      const candidate = walk[round];
      if (candidate !== undefined && replicas.length < replicationFactor) replicas.push(candidate);
    }
  }
  return replicas;
}

/** A rack's brokers but for the leader, active ones first, begun at `offset`. */
function candidates(rack: Rack, offset: number, leader: number): number[] {
  const isLeaderHere = rack.active.includes(leader);
  const active = isLeaderHere
    ? rotated(rack.active, rack.active.indexOf(leader)).slice(1)
    : rotated(rack.active, offset);
  const shifted = isLeaderHere ? rotated(active, Math.floor(offset / Math.max(1, rack.active.length))) : active;
  return [...shifted, ...rotated(rack.inactive, offset)];
}

function at<T>(items: readonly T[], index: number): T {
  return items[index % items.length] as T;
}

function rotated<T>(items: readonly T[], by: number): T[] {
  if (items.length === 0) return [];
  const start = by % items.length;
  return [...items.slice(start), ...items.slice(0, start)];
}
