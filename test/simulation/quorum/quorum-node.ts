/**
 * A process of a simulated world that takes part in a quorum: the log, the driver and a listener that ship, and on top the simplest state there is – a
 * running hash of all records – with snapshots of it.
 */
import { Errors } from "../../../protocol/errors.ts";
import { defaultLogManagerOptions, LogManager, type PartitionLog } from "../../../src/log/index.ts";
import { Metrics } from "../../../src/metrics/index.ts";
import { makeDirectoryDurably } from "../../../src/platform/files.ts";
import type { Platform } from "../../../src/platform/platform.ts";
import { RaftDriver } from "../../../src/raft/driver.ts";
import { DEFAULT_QUORUM_TIMEOUTS, type QuorumTimeouts } from "../../../src/raft/election-timing.ts";
import type { Voter } from "../../../src/raft/quorum-history.ts";
import type { CommittedBatch, ReplicatedLogListener, SnapshotReader } from "../../../src/raft/replicated-log.ts";
import { SnapshotFileWriter } from "../../../src/raft/snapshot-file.ts";
import { SnapshotGenerator } from "../../../src/raft/snapshot-generator.ts";
import { BOOTSTRAP_SNAPSHOT_ID } from "../../../src/raft/snapshot-id.ts";
import type { StaticVoter } from "../../../src/raft/voter-set.ts";
import { RpcClient } from "../../../src/rpc/index.ts";
import { mix } from "../hash.ts";
import { traceLogger } from "../trace-logger.ts";
import { serveQuorum } from "./quorum-server.ts";

export const PORT = 9093;
export const LISTENER = "CONTROLLER";
export const CLUSTER_ID = "simulated-cluster";
const DATA = "/data";
const DIRECTORY = `${DATA}/__cluster_metadata-0`;

export interface QuorumNodeOptions {
  readonly nodeId: number;
  readonly name: string;
  readonly directoryId: string;
  readonly isController: boolean;
  readonly staticVoters: readonly StaticVoter[];
  readonly bootstrapServers: readonly { host: string; port: number }[];
  readonly autoJoin: boolean;
  readonly timeouts?: Partial<QuorumTimeouts>;
  /** Bytes of records after which a snapshot is made, and that snapshots and log may take together. */
  readonly snapshotBytes: number;
  readonly retentionBytes: number;
}

/** Told of all that the node tells its subscribers. */
export interface QuorumNodeObserver {
  committed(node: QuorumNode, batch: CommittedBatch, hash: string): void;
  snapshotLoaded(node: QuorumNode, endOffset: number, hash: string): void;
  /** The node, as a leader, told a replica that knew of `knownHighWatermark` of its own; each -1 for none. */
  told(node: QuorumNode, knownHighWatermark: number, highWatermark: number): void;
  note(what: string): void;
  fatal(node: QuorumNode, error: Error): void;
}

/** Makes a blank disk that of a node; `voters` go into the bootstrap checkpoint of a dynamic quorum. */
export function formatDisk(platform: Platform, voters: readonly Voter[] | null, kraftVersion: number): void {
  makeDirectoryDurably(platform.disk, DIRECTORY);
  if (kraftVersion === 0) return;
  const facts = { kraftVersion, voters };
  new SnapshotFileWriter(
    { directory: DIRECTORY, id: BOOTSTRAP_SNAPSHOT_ID, lastContainedLogTimeMs: 0, facts },
    platform,
  ).freezeNow();
}

interface Proposal {
  readonly endOffset: number;
  readonly value: string;
  readonly acked: (value: string) => void;
}

export class QuorumNode implements ReplicatedLogListener {
  readonly options: QuorumNodeOptions;
  readonly platform: Platform;
  readonly #observer: QuorumNodeObserver;
  #driver: RaftDriver | null = null;
  #log: PartitionLog | null = null;
  #logs: LogManager | null = null;
  #hash = "0";
  #appliedEndOffset = 0;
  #appliedEpoch = 0;
  #leadingEpoch = -1;
  readonly #waiting: Proposal[] = [];
  isFailed = false;

  constructor(options: QuorumNodeOptions, platform: Platform, observer: QuorumNodeObserver) {
    this.options = options;
    this.platform = platform;
    this.#observer = observer;
  }

  get driver(): RaftDriver | null {
    return this.#driver?.isRunning === true ? this.#driver : null;
  }

  get log(): PartitionLog | null {
    return this.#log;
  }

  get hash(): string {
    return this.#hash;
  }

  get appliedEndOffset(): number {
    return this.#appliedEndOffset;
  }

  /** The epoch in which proposals are taken here, or -1. */
  get leadingEpoch(): number {
    return this.#leadingEpoch;
  }

  async start(): Promise<void> {
    const { platform, options } = this;
    const logger = traceLogger(what => this.#observer.note(what));
    const onFatal = (error: unknown): void => this.#failed(error as Error);
    const managerOptions = { ...defaultLogManagerOptions(DATA), cleaner: null, checkpointIntervalMs: 5000 };
    this.#logs = new LogManager(managerOptions, { platform, logger, metrics: new Metrics(), onFatal });
    const log = await this.#logs.openMetadataLog();
    this.#log = log;
    const driver = new RaftDriver(
      {
        nodeId: options.nodeId,
        directoryId: options.directoryId,
        clusterId: CLUSTER_ID,
        directory: DIRECTORY,
        endpoints: options.isController ? [{ name: LISTENER, host: options.name, port: PORT }] : [],
        listenerName: LISTENER,
        staticVoters: options.staticVoters,
        bootstrapServers: options.bootstrapServers,
        autoJoin: options.autoJoin,
        timeouts: { ...DEFAULT_QUORUM_TIMEOUTS, ...options.timeouts },
        fetchMaxBytes: 64 * 1024,
        snapshotMaxBytes: 100,
        retention: { maxBytes: options.retentionBytes, maxAgeMs: -1 },
      },
      {
        log,
        flush: () => (this.#logs as LogManager).flush(log),
        platform,
        connect: peer => new RpcClient(peer, { platform, logger }),
        logger,
        onFatal,
      },
    );
    this.#driver = driver;
    driver.subscribe(this);
    const generator = new SnapshotGenerator(
      { maxBytesBetweenSnapshots: options.snapshotBytes, maxIntervalMs: 0 },
      { log: driver, source: () => this.#image(), timers: platform.timers, logger, onFatal },
    );
    generator.start();
    await serveQuorum(platform.network, PORT, driver.service, (request, answer) => {
      const asked = request.topics[0]?.partitions[0];
      const told = answer.responses[0]?.partitions[0];
      if (asked === undefined || told === undefined || told.errorCode !== Errors.NONE) return;
      if ((told.divergingEpoch?.epoch ?? -1) < 0)
        this.#observer.told(this, Number(asked.highWatermark), Number(told.highWatermark));
    });
    driver.start().catch(error => this.#failed(error as Error));
  }

  /** Stops as a node does that is told to. */
  async stop(): Promise<void> {
    await this.#driver?.close();
  }

  /** Appends a value where this node leads; `acked` is called when it is committed. */
  propose(value: string, acked: (value: string) => void): boolean {
    const outcome = this.#driver?.append(this.#leadingEpoch, [Buffer.from(value)]);
    if (outcome?.ok !== true) return false;
    this.#waiting.push({ endOffset: outcome.lastOffset + 1, value, acked });
    return true;
  }

  loadSnapshot(snapshot: SnapshotReader): void {
    const values = [...snapshot.batches()].flat().map(String);
    this.#hash = values[0] ?? "0";
    this.#appliedEndOffset = snapshot.id.endOffset;
    this.#appliedEpoch = snapshot.id.epoch;
    this.#observer.snapshotLoaded(this, snapshot.id.endOffset, this.#hash);
  }

  committed(batch: CommittedBatch): void {
    if (batch.baseOffset !== this.#appliedEndOffset) {
      throw new Error(`told of ${batch.baseOffset} after ${this.#appliedEndOffset}`);
    }
    for (const record of batch.records) this.#hash = mix(this.#hash, record.toString());
    this.#appliedEndOffset = batch.lastOffset + 1;
    this.#appliedEpoch = batch.epoch;
    this.#observer.committed(this, batch, this.#hash);
    while ((this.#waiting[0]?.endOffset ?? Infinity) <= this.#appliedEndOffset) {
      const { value, acked } = this.#waiting.shift() as Proposal;
      acked(value);
    }
  }

  becameLeader(epoch: number): void {
    this.#leadingEpoch = epoch;
    this.#observer.note(`leads epoch ${epoch} from ${this.#appliedEndOffset}`);
  }

  resigned(epoch: number): void {
    this.#leadingEpoch = -1;
    this.#waiting.length = 0;
    this.#observer.note(`resigned epoch ${epoch}`);
  }

  #image() {
    const id = { endOffset: this.#appliedEndOffset, epoch: this.#appliedEpoch };
    const batches = [
      [Buffer.from(this.#hash)],
      ...Array.from({ length: 4 }, (_, index) => [Buffer.from(`filler ${index}`.repeat(5))]),
    ];
    return { id, lastContainedLogTimeMs: this.platform.clock.now(), batches: () => batches };
  }

  #failed(error: Error): void {
    this.isFailed = true;
    this.#observer.fatal(this, error);
  }
}
