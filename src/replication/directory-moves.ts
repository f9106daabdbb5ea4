/** The replicas of this broker that move between its log directories (AlterReplicaLogDirs, KIP-113): who may begin, who waits, who is given up. */
import { Errors } from "../../protocol/errors.ts";
import type { BrokerConfig } from "../config/index.ts";
import type { LogDirectory, LogManager } from "../log/index.ts";
import type { Logger } from "../logging/index.ts";
import { type Clock, DiskError, type Timers } from "../platform/platform.ts";
import { DirectoryMove, type MoveOutcome } from "./directory-move.ts";
import type { Partition } from "./partition.ts";
import { ReplicationQuota } from "./replication-quota.ts";

export interface DirectoryMovesModules {
  readonly logs: LogManager;
  readonly config: BrokerConfig;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly logger: Logger;
  /** Where a replica is, for the controller, may have changed: see {@link DirectoryMoves.announcedTo}. */
  readonly tellDirectory: (partition: Partition) => void;
  /** Whether the metadata has the replica in that directory, or does not keep such things. */
  readonly isAgreed: (partition: Partition, directory: LogDirectory) => boolean;
}

/** A partition directory's name with `.<32 hex digits>-future` behind it must be a file name. */
const MAX_NAME_LENGTH = 255 - ".-future".length - 32;
/** Wishes for replicas that are not here yet; the oldest are forgotten. */
const MAX_WISHES = 10_000;

export class DirectoryMoves {
  readonly #modules: DirectoryMovesModules;
  readonly #quota: ReplicationQuota;
  readonly #moves = new Map<Partition, DirectoryMove>();
  readonly #waiting: DirectoryMove[] = [];
  readonly #running = new Set<DirectoryMove>();
  /** The directory that was asked for, by `topic-partition`, for replicas that are not here yet. */
  readonly #wishes = new Map<string, string>();

  constructor(modules: DirectoryMovesModules) {
    this.#modules = modules;
    const { config } = modules;
    this.#quota = new ReplicationQuota(
      {
        windowSizeMs: config.get("alter.log.dirs.replication.quota.window.size.seconds") * 1_000,
        windowCount: config.get("alter.log.dirs.replication.quota.window.num"),
        limit: () => config.get("replica.alter.log.dirs.io.max.bytes.per.second"),
      },
      modules,
    );
  }

  /**
   * Moves the replica to the log directory `path`; asked for the one in which it is, gives a move up. A replica that is not here, for the reason
   * `whyNot`, will be made there. Returns an error code, NONE when the move has begun or there is nothing to do.
   */
  alter(topic: string, index: number, path: string, partition: Partition | undefined, whyNot: number): number {
    const { logs } = this.#modules;
    const name = `${topic}-${index}`;
    if (name.length > MAX_NAME_LENGTH) return Errors.INVALID_TOPIC_EXCEPTION;
    const target = logs.directories.find(directory => directory.path === path);
    if (target === undefined) return Errors.LOG_DIR_NOT_FOUND;
    if (target.offline) return Errors.KAFKA_STORAGE_ERROR;
    // Even if the replica is there already, as in Kafka (KIP-1066).
    if (target.isCordoned) return Errors.INVALID_REPLICA_ASSIGNMENT;
    if (partition?.isOffline) return Errors.KAFKA_STORAGE_ERROR;
    if (partition === undefined) {
      this.#wish(name, path);
      return whyNot === Errors.NOT_LEADER_OR_FOLLOWER ? Errors.REPLICA_NOT_AVAILABLE : whyNot;
    }
    const move = this.#moves.get(partition);
    if (move?.target === target) return Errors.NONE;
    this.#giveUp(partition);
    if (target.logs.has(partition.log)) return Errors.NONE;
    try {
      logs.futures.create(partition.log, target);
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      return Errors.KAFKA_STORAGE_ERROR;
    }
    this.resume(partition);
    return Errors.NONE;
  }

  /** The path of the directory in which a replica that is not here yet is wanted; null when nobody asked. Asked once. */
  takeWish(topic: string, index: number): string | null {
    const name = `${topic}-${index}`;
    const path = this.#wishes.get(name) ?? null;
    this.#wishes.delete(name);
    return path;
  }

  /** Goes on with the copy of the partition's log that there is; one of another topic's log goes. */
  resume(partition: Partition): void {
    const { logs, logger } = this.#modules;
    const { topic, index, topicId } = partition;
    const future = logs.futures.get(topic, index);
    if (future === undefined || partition.isOffline || this.#moves.has(partition)) return;
    const target = logs.directories.find(directory => directory.futureLogs.has(future));
    if (target === undefined || future.topicPartition.topicId !== topicId || target.logs.has(partition.log)) {
      logs.futures.remove(topic, index);
      return;
    }
    logger.info("replica.moving", { partition: `${topic}-${index}`, from: partition.log.directory, to: target.path });
    const move: DirectoryMove = new DirectoryMove(
      { partition, future, target },
      {
        ...this.#modules,
        quota: this.#quota,
        maxBytes: () => this.#modules.config.get("replica.fetch.max.bytes"),
        flush: log => logs.flush(log),
        announce: () => this.#modules.tellDirectory(partition),
        isAgreed: () => this.#modules.isAgreed(partition, target),
        promote: log => logs.futures.promote(log),
        ended: outcome => this.#ended(move, outcome),
      },
    );
    this.#moves.set(partition, move);
    this.#waiting.push(move);
    this.#startNext();
  }

  /** The directory that the controller is to have the replica in although it is not there yet; null when it is where its log is. */
  announcedTo(partition: Partition): LogDirectory | null {
    const move = this.#moves.get(partition);
    return move?.isAnnounced ? move.target : null;
  }

  /** The metadata has something new about the partition. */
  wake(partition: Partition): void {
    this.#moves.get(partition)?.wake();
  }

  /** The partition is here no more, or cannot be used. The copy's files are left alone. */
  forget(partition: Partition): void {
    const move = this.#moves.get(partition);
    if (move !== undefined) this.#drop(move);
  }

  /** A log directory failed: moves to it are given up. */
  directoryFailed(): void {
    for (const { partition, target } of [...this.#moves.values()]) if (target.offline) this.#giveUp(partition);
  }

  close(): void {
    for (const move of [...this.#moves.values()]) move.stop();
    this.#moves.clear();
    this.#waiting.length = 0;
    this.#running.clear();
  }

  #wish(name: string, path: string): void {
    this.#wishes.delete(name);
    this.#wishes.set(name, path);
    const [oldest] = this.#wishes.keys();
    if (this.#wishes.size > MAX_WISHES) this.#wishes.delete(oldest!);
  }

  /** As many at a time as Kafka has threads for it: by default one a directory. */
  #startNext(): void {
    const { config, logs } = this.#modules;
    const most = config.get("num.replica.alter.log.dirs.threads") ?? logs.directories.length;
    while (this.#running.size < most) {
      const move = this.#waiting.shift();
      if (move === undefined) return;
      this.#running.add(move);
      move.start();
    }
  }

  #ended(move: DirectoryMove, outcome: MoveOutcome): void {
    const { partition, future, target } = move;
    if (outcome === "failed") {
      // A copy without the log that it is made from may be all that is left.
      if (partition.isOffline) this.#drop(move);
      else this.#giveUp(partition);
      return;
    }
    this.#drop(move);
    partition.replaceLog(future);
    this.#modules.logger.info("replica.moved", { partition: `${partition.topic}-${partition.index}`, to: target.path });
    this.#modules.tellDirectory(partition);
  }

  #giveUp(partition: Partition): void {
    const move = this.#moves.get(partition);
    if (move === undefined) return;
    const { logs, logger, tellDirectory } = this.#modules;
    this.#drop(move);
    logs.futures.remove(partition.topic, partition.index);
    logger.info("replica.move-given-up", {
      partition: `${partition.topic}-${partition.index}`,
      to: move.target.path,
    });
    if (move.isAnnounced) tellDirectory(partition);
  }

  #drop(move: DirectoryMove): void {
    move.stop();
    this.#moves.delete(move.partition);
    this.#running.delete(move);
    const index = this.#waiting.indexOf(move);
    if (index >= 0) this.#waiting.splice(index, 1);
    this.#startNext();
  }
}
