/** What the driver of a quorum member is made with. */
import type { Logger } from "../logging/logger.ts";
import type { Platform } from "../platform/platform.ts";
import type { QuorumTimeouts } from "./election-timing.ts";
import type { Address, ConnectToPeer } from "./peers.ts";
import type { RaftLog } from "./raft-log.ts";
import type { SnapshotRetention } from "./snapshots.ts";
import type { Endpoint, StaticVoter } from "./voter-set.ts";

export interface RaftDriverOptions {
  readonly nodeId: number;
  /** Id of the metadata log's directory, as in meta.properties: part of the voter's name (KIP-853). */
  readonly directoryId: string;
  readonly clusterId: string;
  /** Directory of the metadata log: `<metadata log dir>/__cluster_metadata-0`. */
  readonly directory: string;
  /** Where this node's controller listens; empty for a node that is none and only observes. */
  readonly endpoints: readonly Endpoint[];
  /** The first of `controller.listener.names`. */
  readonly listenerName: string;
  /** `controller.quorum.voters`; empty with a dynamic quorum. */
  readonly staticVoters: readonly StaticVoter[];
  /** `controller.quorum.bootstrap.servers`. */
  readonly bootstrapServers: readonly Address[];
  /** `controller.quorum.auto.join.enable`. */
  readonly autoJoin: boolean;
  readonly timeouts: QuorumTimeouts;
  /** `controller.quorum.fetch.max.bytes`. */
  readonly fetchMaxBytes: number;
  /** `controller.quorum.fetch.snapshot.max.bytes`. */
  readonly snapshotMaxBytes: number;
  readonly retention: SnapshotRetention;
}

export interface RaftDriverModules {
  readonly log: RaftLog;
  /** Starts a group commit of the log; resolves when all appended so far is durable. A rejection is final. */
  readonly flush: () => Promise<void>;
  readonly platform: Platform;
  /** Makes the connections to other members. */
  readonly connect: ConnectToPeer;
  readonly logger: Logger;
  /** Told once when this log can go on no more (a failed flush, a broken invariant): the node must stop. */
  readonly onFatal: (error: Error) => void;
}
