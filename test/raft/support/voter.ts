/** A one-voter log over a disk in memory, that can be crashed and started again. */
import { memoryLogger } from "../../../src/logging/index.ts";
import { MemoryDisk } from "../../../src/platform/memory-disk.ts";
import { LOSE_ALL, type Survival } from "../../../src/platform/memory-disk-crash.ts";
import { MemoryFabric } from "../../../src/platform/memory-network.ts";
import { SeededRandom } from "../../../src/platform/memory-random.ts";
import { SimulatedTime } from "../../../src/platform/memory-time.ts";
import { RaftDriver, type RaftDriverOptions } from "../../../src/raft/driver.ts";
import { DEFAULT_QUORUM_TIMEOUTS } from "../../../src/raft/election-timing.ts";
import type { Voter } from "../../../src/raft/quorum-history.ts";
import type { CommittedBatch, ReplicatedLogListener, SnapshotReader } from "../../../src/raft/replicated-log.ts";
import { SnapshotFileWriter } from "../../../src/raft/snapshot-file.ts";
import { BOOTSTRAP_SNAPSHOT_ID } from "../../../src/raft/snapshot-id.ts";
import { RpcClient } from "../../../src/rpc/index.ts";
import { FileLog } from "./file-log.ts";

export const DIRECTORY = "/data/__cluster_metadata-0";
export const DIRECTORY_ID = "2aHNE4QsTH6H_zIW2AfPkQ";
export const ENDPOINT = { name: "CONTROLLER", host: "127.0.0.1", port: 29193 };

export const QUORUM_OF_ONE: RaftDriverOptions = {
  nodeId: 1,
  directoryId: DIRECTORY_ID,
  clusterId: "test-cluster",
  directory: DIRECTORY,
  endpoints: [ENDPOINT],
  listenerName: ENDPOINT.name,
  staticVoters: [],
  bootstrapServers: [],
  autoJoin: false,
  timeouts: DEFAULT_QUORUM_TIMEOUTS,
  fetchMaxBytes: 1024 * 1024,
  snapshotMaxBytes: 1024 * 1024,
  retention: { maxBytes: -1, maxAgeMs: -1 },
};

export class VoterFixture {
  readonly #kraftVersion: number;
  readonly time = new SimulatedTime();
  readonly random = new SeededRandom(1);
  readonly logger = memoryLogger();
  /** What the latest voter told its node. */
  fatal: Error[] = [];
  disk = new MemoryDisk({}, { clock: this.time, timers: this.time });
  log!: FileLog;
  voter!: RaftDriver;

  constructor(options: { kraftVersion?: number; otherVoterIds?: number[]; voters?: Voter[] } = {}) {
    const { kraftVersion = 1, otherVoterIds = [] } = options;
    this.#kraftVersion = kraftVersion;
    this.disk.makeDirectory(DIRECTORY);
    this.disk.syncDirectory("/");
    this.disk.syncDirectory("/data");
    const ofThisDirectory = [1, ...otherVoterIds].map(voterId => ({
      voterId,
      voterDirectoryId: DIRECTORY_ID,
      endpoints: [ENDPOINT],
      kRaftVersionFeature: { minSupportedVersion: 0, maxSupportedVersion: 1 },
    }));
    const facts = { kraftVersion, voters: kraftVersion > 0 ? (options.voters ?? ofThisDirectory) : null };
    const snapshot = { directory: DIRECTORY, id: BOOTSTRAP_SNAPSHOT_ID, lastContainedLogTimeMs: 1, facts };
    new SnapshotFileWriter(snapshot, { disk: this.disk, clock: this.time, random: this.random }).freezeNow();
  }

  /** Opens the log and makes the voter, not started. */
  open(options: Partial<RaftDriverOptions> = {}): RaftDriver {
    const { disk, time, random, logger } = this;
    this.log = new FileLog(disk, `${DIRECTORY}/00000000000000000000.log`);
    const log = this.log;
    const fatal: Error[] = [];
    this.fatal = fatal;
    const network = new MemoryFabric({}, { timers: time }).host("node-1");
    const platform = { disk, clock: time, timers: time, random, network };
    this.voter = new RaftDriver(
      {
        ...QUORUM_OF_ONE,
        staticVoters: this.#kraftVersion === 0 ? [{ id: 1, host: ENDPOINT.host, port: ENDPOINT.port }] : [],
        ...options,
      },
      {
        log,
        flush: () => log.flush(),
        platform,
        connect: peer => new RpcClient(peer, { platform, logger }),
        logger,
        onFatal: error => fatal.push(error),
      },
    );
    return this.voter;
  }

  async start(options: Partial<RaftDriverOptions> = {}): Promise<RaftDriver> {
    const voter = this.open(options);
    await this.time.complete(voter.start());
    return voter;
  }

  /**
   * The machine goes down; what was not synced is as `survival` says. What ran on it may go on, as its timers are still there, but on a disk
   * that nobody looks at any more.
   */
  crash(survival: Survival = LOSE_ALL): void {
    const gone = this.disk;
    this.disk = gone.survivor(survival);
    gone.crash();
  }

  /** Lets everything happen that is due at once. */
  settle(): Promise<void> {
    return this.time.advance(0);
  }
}

/** A subscriber that keeps what it was told, as one line each. */
export class Recorder implements ReplicatedLogListener {
  readonly calls: string[] = [];
  readonly records: string[] = [];

  loadSnapshot(snapshot: SnapshotReader): void {
    this.records.length = 0;
    for (const batch of snapshot.batches()) this.records.push(...batch.map(String));
    this.calls.push(`snapshot ${snapshot.id.endOffset}-${snapshot.id.epoch}`);
  }

  committed(batch: CommittedBatch): void {
    this.records.push(...batch.records.map(String));
    const contents = batch.isControl ? "control" : batch.records.map(String).join(",");
    this.calls.push(`committed ${batch.baseOffset}-${batch.lastOffset} e${batch.epoch} ${contents}`);
  }

  becameLeader(epoch: number): void {
    this.calls.push(`leader e${epoch}`);
  }

  resigned(epoch: number): void {
    this.calls.push(`resigned e${epoch}`);
  }
}

export function values(...texts: string[]): Buffer[] {
  return texts.map(text => Buffer.from(text));
}
