/**
 * Ways to break the log's durability, each one small enough to slip through a review. The power-loss suite must notice every one of them: a mutant
 * that lives says that a rule is not checked.
 */
import { journalMutants } from "./journal-mutants.ts";

export interface Mutant {
  readonly name: string;
  readonly file: string;
  /** Must stand exactly once in the file. */
  readonly from: string;
  readonly to: string;
  /** Only tests with this in their title are run: the others know nothing of it. */
  readonly tests?: string;
}

const logMutants: readonly Mutant[] = [
  {
    name: "acknowledges before the sync returns",
    file: "src/log/log-files.ts",
    from: "    await Promise.all(segments.map(([segment]) => segment.file.sync()));",
    to: "    void segments.map(([segment]) => segment.file.sync());",
  },
  {
    name: "does not sync a segment before the next is made",
    file: "src/log/log-files.ts",
    from: "    const old = this.segments.active;\n    this.syncNow();",
    to: "    const old = this.segments.active;",
  },
  {
    name: "does not sync the directory of a new segment",
    file: "src/log/log-files.ts",
    from: "    if (this.#directoryDirty) {\n      this.#disk.syncDirectory(this.#directory);",
    to: "    if (this.#directoryDirty) {",
  },
  {
    name: "does not sync the parent of a new log",
    file: "src/log/log-files.ts",
    from: "      this.#disk.syncDirectory(parentOf(this.#directory));\n",
    to: "",
  },
  {
    name: "does not sync partition.metadata of a new log",
    file: "src/log/log-files.ts",
    from: "    if (this.#isNew) await syncPartitionMetadata(this.#disk, this.#directory);\n",
    to: "",
  },
  {
    name: "does not sync a cut",
    file: "src/log/log-files.ts",
    from: "    this.written();\n    this.syncNow();",
    to: "    this.written();",
  },
  {
    name: "does not sync the removal of segments that were cut off",
    file: "src/log/log-files.ts",
    from: "      this.#remove(this.segments.pop(last)[0]!, config);\n      this.#disk.syncDirectory(this.#directory);",
    to: "      this.#remove(this.segments.pop(last)[0]!, config);",
  },
  {
    name: "takes for flushed what was appended during the sync",
    file: "src/log/log-durability.ts",
    from: "    this.#flushed(log, endOffset, durable);\n  }\n\n  /** Syncs what `log` has written so far, blocking.",
    to: "    this.#flushed(log, log.writtenOffset, durable);\n  }\n\n  /** Syncs what `log` has written so far, blocking.",
  },
  {
    name: "believes a sync that a cut has overtaken",
    file: "src/log/log-durability.ts",
    from: "    if (cutCount !== this.#cutCount) {\n      this.#isOvertaken = true;\n      return;\n    }\n",
    to: "",
  },
  {
    name: "cuts below the recovery point without lowering it",
    file: "src/log/log-truncation.ts",
    from: "    state.durability.lowerRecoveryPoint(endOffset);\n",
    to: "",
  },
  {
    name: "moves the recovery point past indexes that are not durable",
    file: "src/log/log-files.ts",
    from: "    for (const segment of segments) if (!segment.deleted) await segment.syncIndexes();\n",
    to: "",
  },
  {
    name: "moves the recovery point past leader epochs that are not durable",
    file: "src/log/epoch-store.ts",
    from: "      await file.sync();",
    to: "",
  },
  {
    name: "recovery accepts a batch that fails its checksum",
    file: "src/log/recovery.ts",
    from: 'if (!isIntact(buffer, position, sizeBytes)) return "a batch fails its checksum";',
    to: "",
  },
  {
    name: "recovery cuts a segment that others follow",
    file: "src/log/log-loader.ts",
    from: "if (nextOffset < options.recoveryPoint || !isLast) throw",
    to: "if (nextOffset < options.recoveryPoint) throw",
  },
  {
    name: "recovery does not cut the torn tail off the file",
    file: "src/log/log-loader.ts",
    from: "        file.truncate(scan.validBytes);\n",
    to: "",
  },
  {
    name: "recovered data is served without a sync",
    file: "src/log/log-loader.ts",
    from: "      file.syncNow();\n",
    to: "",
  },
  {
    name: "recovered indexes are not synced",
    file: "src/log/log-loader.ts",
    from: "      segment.syncIndexesNow();\n",
    to: "",
  },
  {
    name: "recovery cuts silently below the recovery point",
    file: "src/log/log-loader.ts",
    from: "if (nextOffset < options.recoveryPoint || !isLast) throw corrupt(partition, nextOffset, scan.fault);",
    to: "",
  },
  {
    name: "recovery begins one segment late",
    file: "src/log/load-plan.ts",
    from: "offsets.filter(offset => offset < options.recoveryPoint)",
    to: "offsets.filter(offset => offset <= options.recoveryPoint)",
  },
  {
    name: "indexes rebuilt below the recovery point are written in place",
    file: "src/log/segment.ts",
    from: "    atomicWrite(this.#disk, this.path(TIME_INDEX_SUFFIX), builder.timeIndex.encode());",
    to: "    this.#replaceIndexFile(TIME_INDEX_SUFFIX, builder.timeIndex.encode());",
  },
  {
    name: "offsets of deleted records are given out again",
    file: "src/log/log-loader.ts",
    from: "  if (logEndOffset < options.logStartOffset) {",
    to: "  if (logEndOffset < options.logStartOffset && options.isClean) {",
  },
  {
    name: "the clean-shutdown marker outlives the start",
    file: "src/log/log-directory.ts",
    from: "      removeDurably(this.#disk, joinPath(path, CLEAN_SHUTDOWN_MARKER));\n",
    to: "",
  },
  {
    name: "the removal of the clean-shutdown marker is not durable",
    file: "src/platform/files.ts",
    from: "  disk.remove(path);\n  disk.syncDirectory(parentOf(path));",
    to: "  disk.remove(path);",
  },
  {
    name: "the clean-shutdown marker comes before the data",
    file: "src/log/log-shutdown.ts",
    from: "    const isComplete = closeLogs(directory, unsynced, modules);\n",
    to: "    directory.writeCleanShutdownMarker(brokerEpoch);\n    const isComplete = closeLogs(directory, unsynced, modules);\n",
  },
  {
    name: "checkpoint files are written in place",
    file: "src/platform/files.ts",
    from: "  const temporary = path + TEMPORARY_SUFFIX;",
    to: "  const temporary = path;",
  },
  {
    name: "checkpoint files are renamed before they are synced",
    file: "src/platform/files.ts",
    from: "    file.writev([bytes], 0);\n    file.syncNow();",
    to: "    file.writev([bytes], 0);",
  },
  {
    name: "segments go before the log start is durable",
    file: "src/log/checkpointer.ts",
    from: "        holder.writeLogStartOffsets();\n        for (const log of logs) if (!log.isClosed) log.deleteSegmentsBelowStart();",
    to: "        for (const log of logs) if (!log.isClosed) log.deleteSegmentsBelowStart();",
  },
  {
    name: "a deletion is answered before it is durable",
    file: "src/log/log-deletions.ts",
    from: "        platform.disk.syncDirectory(directory.path);\n        directory.writeRecoveryPoints();",
    to: '        if (directory.path === "") directory.writeRecoveryPoints();',
  },
  {
    name: "a log rolls although a full disk took back what stands before",
    file: "src/log/log-appender.ts",
    from: '    if (state.logEndOffset !== endOffset) throw new DiskError("ENOSPC", "roll", state.files.directory);\n',
    to: "",
  },
  {
    name: "a failed sync is not fatal",
    file: "src/log/flush-scheduler.ts",
    from: "    this.#failure = error;\n    this.#modules.onFatal(error);",
    to: "",
  },
  {
    name: "a compacted segment takes over before it is synced",
    file: "src/log/cleaner/cleaned-segment.ts",
    from: "    this.#file.syncNow();\n    this.#file.close();\n    this.#indexes.finish();",
    to: "    this.#file.close();\n    this.#indexes.finish();",
    tests: "compaction",
  },
  {
    name: "a compacted segment's indexes take over before they are synced",
    file: "src/log/cleaner/cleaned-segment.ts",
    from: "      if (bytes.length > 0) file.writev([bytes], 0);\n      file.syncNow();",
    to: "      if (bytes.length > 0) file.writev([bytes], 0);",
    tests: "compaction",
  },
  {
    name: "segments go before the one that replaces them is there for good",
    file: "src/log/cleaner/segment-swap.ts",
    from: "  disk.syncDirectory(directory);\n  for (const segment of replaced) {",
    to: "  for (const segment of replaced) {",
    tests: "compaction",
  },
  {
    name: "a compacted segment gets its name before those it replaces are gone",
    file: "src/log/cleaner/segment-swap.ts",
    from: "  disk.syncDirectory(directory);\n  for (const segment of replaced) segment.markDeleted();",
    to: "  for (const segment of replaced) segment.markDeleted();",
    tests: "compaction",
  },
  {
    name: "a swap that a crash interrupted is not finished",
    file: "src/log/load-plan.ts",
    from: "      rename.push({ from: file.name, to });",
    to: "      if (to.length > 0) remove.push(file.name);",
    tests: "compaction",
  },
  {
    name: "finishing a swap leaves the segments that it replaces",
    file: "src/log/load-plan.ts",
    from: "      else if (name.offset >= replaced.from && name.offset < replaced.to) remove.push(file.name);\n",
    to: "",
    tests: "compaction",
  },
  {
    name: "finishing a swap is not told from one that had not begun, after another crash",
    file: "src/log/log-loader.ts",
    from: "  if (plan.remove.length > 0 && plan.removeLast.length + plan.rename.length > 0) disk.syncDirectory(directory);\n",
    to: "",
    tests: "compaction",
  },
  {
    name: "recovery keeps what an older leader wrote behind what a newer one did",
    file: "src/log/recovery.ts",
    from: '      if (fault === null && epoch >= 0 && epoch < lastEpoch) fault = "leader epochs fall";\n',
    to: "",
    tests: "leader epochs",
  },
  {
    name: "a cut keeps the leader epochs of what it cut",
    file: "src/log/log-state.ts",
    from: "    if (this.epochs.epochs.truncateFromEnd(offset)) this.epochs.changed();\n",
    to: "",
    tests: "epochs",
  },
  {
    name: "recovery keeps the leader epochs of what a crash took",
    file: "src/log/log-loader.ts",
    from: "  if (epochs.epochs.truncateFromEnd(logEndOffset)) epochs.changed();\n",
    to: "",
  },
];

export const mutants: readonly Mutant[] = [...logMutants, ...journalMutants];
