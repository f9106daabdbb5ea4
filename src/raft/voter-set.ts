/**
 * The voters of the quorum. A voter is named by node id *and* log directory id, so that a node whose directory was lost or changed is a
 * stranger until it is added again (KIP-853). Voters that are configured (`controller.quorum.voters`, `kraft.version` 0) have no directory id
 * and are known by their node id alone.
 */
import { ZERO_UUID } from "../../protocol/schema.ts";
import type { Voter } from "./quorum-history.ts";

/** A replica of the metadata log. `directoryId` is all zero when it is not known. */
export interface ReplicaKey {
  readonly id: number;
  readonly directoryId: string;
}

export interface Endpoint {
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

/** A configured voter: an entry of `controller.quorum.voters`. */
export interface StaticVoter {
  readonly id: number;
  readonly host: string;
  readonly port: number;
}

/** Versions of `kraft.version` that a voter of this release knows. */
export const KRAFT_VERSION_RANGE = Object.freeze({ minSupportedVersion: 0, maxSupportedVersion: 1 });

export class VoterSet {
  static readonly EMPTY = new VoterSet([]);
  readonly voters: readonly Voter[];

  constructor(voters: readonly Voter[]) {
    this.voters = voters;
  }

  /** Voters as configured; `listenerName` is the one by which controllers are reached. */
  static ofStatic(voters: readonly StaticVoter[], listenerName: string): VoterSet {
    return new VoterSet(
      voters.map(({ id, host, port }) => ({
        voterId: id,
        voterDirectoryId: ZERO_UUID,
        endpoints: [{ name: listenerName, host, port }],
        kRaftVersionFeature: { minSupportedVersion: 0, maxSupportedVersion: 0 },
      })),
    );
  }

  get size(): number {
    return this.voters.length;
  }

  get ids(): number[] {
    return this.voters.map(voter => voter.voterId);
  }

  /** How many voters decide. */
  get majority(): number {
    return Math.floor(this.voters.length / 2) + 1;
  }

  find(id: number): Voter | undefined {
    return this.voters.find(voter => voter.voterId === id);
  }

  /** Whether this very replica votes: same node, and same directory where the set names one. */
  has(key: ReplicaKey): boolean {
    const voter = this.find(key.id);
    return voter !== undefined && matches(voter, key);
  }

  isOnly(key: ReplicaKey): boolean {
    return this.voters.length === 1 && this.has(key);
  }

  others(selfId: number): Voter[] {
    return this.voters.filter(voter => voter.voterId !== selfId);
  }

  with(voter: Voter): VoterSet {
    return new VoterSet([...this.voters, voter]);
  }

  without(id: number): VoterSet {
    return new VoterSet(this.voters.filter(voter => voter.voterId !== id));
  }

  /** The same members, one described anew. */
  updated(voter: Voter): VoterSet {
    return new VoterSet(this.voters.map(other => (other.voterId === voter.voterId ? voter : other)));
  }
}

/** The key by which a voter is addressed. */
export function keyOf({ voterId, voterDirectoryId }: Voter): ReplicaKey {
  return { id: voterId, directoryId: voterDirectoryId };
}

/**
 * The entries of `controller.quorum.voters` (`id@host:port`).
 *
 * @throws Error naming the entry that is none
 */
export function parseStaticVoters(entries: readonly string[]): StaticVoter[] {
  return entries.map(entry => {
    const [, id, host, port] = /^(\d+)@(.+):(\d+)$/.exec(entry.trim()) ?? [];
    if (id === undefined || host === undefined) throw new Error(`"${entry}" is not of the form id@host:port`);
    return { id: Number(id), host: host.replace(/^\[(.*)\]$/, "$1"), port: Number(port) };
  });
}

/**
 * The entries of `controller.quorum.bootstrap.servers` (`host:port`).
 *
 * @throws Error naming the entry that is none
 */
export function parseBootstrapServers(entries: readonly string[]): { host: string; port: number }[] {
  return entries.map(entry => {
    const [, host, port] = /^(.+):(\d+)$/.exec(entry.trim()) ?? [];
    if (host === undefined) throw new Error(`"${entry}" is not of the form host:port`);
    return { host: host.replace(/^\[(.*)\]$/, "$1"), port: Number(port) };
  });
}

export function isSameReplica(a: ReplicaKey, b: ReplicaKey): boolean {
  return a.id === b.id && a.directoryId === b.directoryId;
}

export function hasSameEndpoints(voter: Voter, endpoints: readonly Endpoint[]): boolean {
  if (voter.endpoints.length !== endpoints.length) return false;
  return endpoints.every(({ name, host, port }) =>
    voter.endpoints.some(other => other.name === name && other.host === host && other.port === port),
  );
}

function matches(voter: Voter, { directoryId }: ReplicaKey): boolean {
  return voter.voterDirectoryId === ZERO_UUID || voter.voterDirectoryId === directoryId;
}
