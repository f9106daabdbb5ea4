/** The snapshots of a replica: made here, had from the leader, loaded for subscribers, and let go of with the log below them. */
import type { FetchSnapshot } from "../../protocol/apis/59-fetch-snapshot.ts";
import type { ResponseOf } from "../../protocol/schema.ts";
import type { Logger } from "../logging/logger.ts";
import type { Platform } from "../platform/platform.ts";
import type { OffsetAndEpoch } from "./messages.ts";
import type { QuorumLog } from "./quorum-log.ts";
import type { RaftLog } from "./raft-log.ts";
import type { SnapshotId, SnapshotWriter } from "./replicated-log.ts";
import { SnapshotDownload } from "./snapshot-download.ts";
import { type SnapshotFile, SnapshotFileWriter } from "./snapshot-file.ts";
import { compareSnapshotIds } from "./snapshot-id.ts";
import type { SnapshotRetention, Snapshots } from "./snapshots.ts";

export interface SnapshotKeeperOptions {
  readonly directory: string;
  readonly retention: SnapshotRetention;
}

export interface SnapshotKeeperModules {
  readonly snapshots: Snapshots;
  readonly quorumLog: QuorumLog;
  readonly log: Pick<RaftLog, "sizeBytes">;
  readonly platform: Pick<Platform, "disk" | "clock" | "random">;
  readonly logger: Logger;
}

export interface DownloadModules {
  /** Asks the leader for the bytes at a position. */
  readonly request: (position: number) => Promise<ResponseOf<typeof FetchSnapshot>>;
  readonly onProgress: () => void;
  /** Told once, unless the download is cancelled; installed, the log begins behind the snapshot. */
  readonly onEnded: (isInstalled: boolean) => void;
  readonly onFailed: (error: Error) => void;
}

export class SnapshotKeeper {
  readonly #options: SnapshotKeeperOptions;
  readonly #modules: SnapshotKeeperModules;
  /** The newest snapshot while subscribers start with it; later ones read the file again. */
  #loaded: SnapshotFile | null = null;
  #download: SnapshotDownload | null = null;
  #isClosed = false;

  constructor(options: SnapshotKeeperOptions, modules: SnapshotKeeperModules) {
    this.#options = options;
    this.#modules = modules;
  }

  /** The newest snapshot, as recovery has it at hand. */
  recovered(snapshot: SnapshotFile | null): void {
    this.#loaded = snapshot;
  }

  /** Subscribers have started: the newest snapshot need not be held any more. */
  release(): void {
    this.#loaded = null;
  }

  latest(): SnapshotFile | null {
    const { snapshots } = this.#modules;
    const id = snapshots.latestId;
    if (id === null) return null;
    if (this.#loaded === null || compareSnapshotIds(this.#loaded.id, id) !== 0) this.#loaded = snapshots.loadLatest();
    return this.#loaded;
  }

  /** Starts one of everything below `id.endOffset`; null when there is one at or above that already. */
  create(id: SnapshotId, lastContainedLogTimeMs: number): SnapshotWriter | null {
    const { snapshots, quorumLog, platform } = this.#modules;
    const latest = snapshots.latestId;
    if (latest !== null && (id.endOffset <= latest.endOffset || id.epoch < latest.epoch)) return null;
    const { directory } = this.#options;
    const facts = quorumLog.quorum.at(id.endOffset);
    const writer = new SnapshotFileWriter({ directory, id, lastContainedLogTimeMs, facts }, platform);
    return {
      id,
      append: records => writer.append(records),
      abort: () => writer.abort(),
      freeze: async () => {
        await writer.freeze();
        this.#written(id, writer.sizeBytes);
      },
    };
  }

  /** Fetches a snapshot from the leader and installs it. */
  download(id: OffsetAndEpoch, modules: DownloadModules): void {
    const { directory } = this.#options;
    const download = new SnapshotDownload({ directory, id }, { ...this.#modules.platform, ...modules });
    this.#download = download;
    this.#modules.logger.info("snapshot.downloading", { ...id });
    download
      .run()
      .then(
        snapshot => this.#downloaded(download, snapshot, modules),
        error => this.#downloadFailed(download, error as Error, modules),
      )
      // The log could not be begun anew behind the snapshot.
      .catch(error => modules.onFailed(error as Error));
  }

  cancelDownload(): void {
    this.#download?.cancel();
    this.#download = null;
  }

  close(): void {
    this.#isClosed = true;
    this.cancelDownload();
  }

  #written(id: SnapshotId, sizeBytes: number): void {
    if (this.#isClosed) return;
    const { snapshots, logger } = this.#modules;
    const latest = snapshots.latestId;
    snapshots.add(id);
    this.#loaded = null;
    logger.info("snapshot.written", { endOffset: id.endOffset, epoch: id.epoch, sizeBytes });
    // A newer one may have come from the leader meanwhile.
    if (latest === null || compareSnapshotIds(latest, id) < 0) this.#trim();
  }

  /** Drops snapshots and log that retention does not keep. The newest snapshot is durable by now, so the log below it is not needed. */
  #trim(): void {
    const { snapshots, quorumLog, log, platform } = this.#modules;
    const oldest = snapshots.retainedFrom(this.#options.retention, log.sizeBytes, platform.clock.now());
    if (oldest === null) return;
    quorumLog.trim(oldest.endOffset);
    snapshots.removeBefore(oldest);
  }

  #downloaded(download: SnapshotDownload, snapshot: SnapshotFile | null, { onEnded }: DownloadModules): void {
    if (this.#download !== download || snapshot === null) return;
    this.#download = null;
    const { snapshots, quorumLog, logger } = this.#modules;
    const { id, sizeBytes } = snapshot;
    logger.info("snapshot.downloaded", { ...id, sizeBytes });
    snapshots.add(id);
    this.#loaded = snapshot;
    quorumLog.restartBehind(snapshot);
    snapshots.removeBefore(id);
    onEnded(true);
  }

  #downloadFailed(download: SnapshotDownload, error: Error, { onEnded, onFailed }: DownloadModules): void {
    this.#modules.logger.warn("snapshot.download-failed", { error: error.message });
    const { code } = error as { code?: string };
    if (error.name === "DiskError" && code !== "ENOSPC") onFailed(error);
    if (this.#download !== download) return;
    this.#download = null;
    onEnded(false);
  }
}
