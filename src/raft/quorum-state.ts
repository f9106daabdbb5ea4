/**
 * The `quorum-state` file: the epoch a node is in, its leader, and the node's vote. It is durable before anything is said or written in that
 * epoch, so no epoch has two leaders and no node votes twice in one.
 *
 * Kafka's format: one line of JSON, without a checksum. Version 1 (KIP-853) names the vote by directory id too; version 0 goes with
 * `kraft.version` 0 and lists the voters. Both are read. It is replaced atomically; a text that is not exactly of this shape is refused.
 */
import { ZERO_UUID } from "../../protocol/schema.ts";
import { atomicWrite, joinPath, readFileIfExists } from "../platform/files.ts";
import type { Disk } from "../platform/platform.ts";

export const QUORUM_STATE_FILE = "quorum-state";

export interface QuorumState {
  /** Leader of {@link leaderEpoch}, or -1. */
  readonly leaderId: number;
  readonly leaderEpoch: number;
  /** Whom this node voted for in {@link leaderEpoch}, or -1. */
  readonly votedId: number;
  /** Directory id of whom it voted for; all zero when unknown. */
  readonly votedDirectoryId: string;
}

/** The file's text. `voterIds` are written at `kraft.version` 0 only. */
export function encodeQuorumState(state: QuorumState, kraftVersion: number, voterIds: readonly number[]): string {
  const { leaderId, leaderEpoch, votedId, votedDirectoryId } = state;
  if (kraftVersion > 0) return JSON.stringify({ leaderId, leaderEpoch, votedId, votedDirectoryId, data_version: 1 });
  const currentVoters = voterIds.map(voterId => ({ voterId }));
  return JSON.stringify({
    clusterId: "",
    leaderId,
    leaderEpoch,
    votedId,
    appliedOffset: 0,
    currentVoters,
    data_version: 0,
  });
}

/** Throws when the text is not a quorum state. */
export function decodeQuorumState(text: string): QuorumState {
  const json = parseObject(text);
  const version = json.data_version;
  if (version !== 0 && version !== 1) throw new Error(`quorum-state has unknown data_version ${String(version)}`);
  const directoryId = version === 1 ? json.votedDirectoryId : ZERO_UUID;
  if (typeof directoryId !== "string" || !/^[\w-]{22}$/.test(directoryId)) {
    throw new Error("quorum-state has no valid votedDirectoryId");
  }
  return {
    leaderId: integer(json, "leaderId", -1),
    leaderEpoch: integer(json, "leaderEpoch", 0),
    votedId: integer(json, "votedId", -1),
    votedDirectoryId: directoryId,
  };
}

/** The state kept in `directory`; null when there is none yet. Throws when it cannot be understood. */
export function readQuorumState(disk: Disk, directory: string): QuorumState | null {
  const path = joinPath(directory, QUORUM_STATE_FILE);
  const contents = readFileIfExists(disk, path);
  if (contents === null) return null;
  try {
    return decodeQuorumState(contents.toString("utf8"));
  } catch (error) {
    throw new Error(`${path}: ${(error as Error).message}`, { cause: error });
  }
}

/** Replaces the state; durable on return. Throws `DiskError`. */
export function writeQuorumState(
  disk: Disk,
  directory: string,
  state: QuorumState,
  kraftVersion: number,
  voterIds: readonly number[],
): void {
  atomicWrite(disk, joinPath(directory, QUORUM_STATE_FILE), encodeQuorumState(state, kraftVersion, voterIds));
}

function parseObject(text: string): Record<string, unknown> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new Error("quorum-state is not JSON");
  }
  if (typeof json !== "object" || json === null || Array.isArray(json))
    throw new Error("quorum-state is not an object");
  return json as Record<string, unknown>;
}

function integer(json: Record<string, unknown>, name: string, lowest: number): number {
  const value = json[name];
  if (typeof value !== "number" || !Number.isInteger(value) || value < lowest || value > 0x7fff_ffff) {
    throw new Error(`quorum-state has no valid ${name}`);
  }
  return value;
}
