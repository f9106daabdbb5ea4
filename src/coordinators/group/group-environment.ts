/**
 * What decisions about groups may use besides the state they change. Everything is synchronous; a test gives virtual time and a seed.
 */
import type { Logger } from "../../logging/logger.ts";
import type { MetadataImage } from "../../metadata/image.ts";
import type { Clock } from "../../platform/platform.ts";
import type { TimerWheel } from "../../replication/timer-wheel.ts";
import type { ParkedReply } from "../runtime/parked-reply.ts";
import type { Turn } from "../runtime/turn.ts";
import type { TopicPatterns } from "./consumer/topic-patterns.ts";
import type { GroupCounters } from "./group-metrics.ts";
import type { GroupOptions } from "./group-options.ts";
import type { GroupRecord } from "./group-record.ts";
import type { GroupState } from "./group-state.ts";

export type GroupTurn = Turn<GroupRecord>;

/** A decision about the groups of one partition. */
export type GroupDecision = (state: GroupState, turn: GroupTurn) => void;

export interface GroupEnvironment {
  readonly options: GroupOptions;
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly logger: Logger;
  readonly counters: GroupCounters;
  /** The latest committed metadata. */
  image(): MetadataImage;
  /** Offset of the latest metadata that created or deleted topics. */
  topicsChangedAt(): number;
  /** Calls back when what else is to be done now is done. */
  later(callback: () => void): void;
  /** A fresh UUID, as Java prints them: for member ids of classic members. */
  newUuid(): string;
  /** A fresh UUID in Kafka's 22 letters: for members of the consumer protocol. */
  newKafkaUuid(): string;
  /** Decides something of the coordinator's own; nothing happens when the partition is not led any more. */
  run(name: string, decide: GroupDecision): void;
  /** Most bytes of records that one decision may write. */
  maxRecordsSizeBytes(): number;
  readonly patterns: TopicPatterns;
}

/** What is known of the sender of a request. */
export interface RequestFacts {
  readonly apiVersion: number;
  readonly clientId: string;
  /** As Java prints an address: `/127.0.0.1`. */
  readonly clientHost: string;
}

export type Reply<T> = ParkedReply<T>;
