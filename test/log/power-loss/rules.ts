/**
 * What must be true of a directory after a power failure (RELIABILITY: everything acknowledged is there and equal; no hole; only a tail that was
 * never synced is gone; rebuilt indexes are those that a fresh scan gives; recovery may be cut short and begun again, and a second one changes
 * nothing).
 */

import { BatchBuilder } from "../../../protocol/records/builder.ts";
import type { LeaderEpochEntry } from "../../../src/log/leader-epochs.ts";
import type { LogManager } from "../../../src/log/log-manager.ts";
import type { PartitionLog } from "../../../src/log/partition-log.ts";
import { ZERO_UUID } from "../../../src/log/partition-metadata.ts";
import { createMemoryPlatform } from "../../../src/platform/memory.ts";
import { CrashImage, diskOf, filesIn } from "./crash-image.ts";
import {
  type ScannedBatch,
  type ScannedTransaction,
  scanBatches,
  scanEpochs,
  scanOffsetIndex,
  scanProducers,
  scanTimeIndex,
} from "./fresh-scan.ts";
import type { Branch, Facts, PartitionFacts } from "./history.ts";
import type { ImageDirectory } from "./journal.ts";
import { RecordingDisk } from "./recording-disk.ts";
import { CONFIG, openLogs } from "./world.ts";

/** A rule is broken. */
export class Violation extends Error {
  override name = "Violation";
}

/** A directory that was opened and found to keep the rules. */
export interface Recovered {
  readonly logs: LogManager;
  readonly disk: RecordingDisk;
  readonly platform: ReturnType<typeof createMemoryPlatform>;
}

/** Opens `image` with a new manager and holds it against `facts`. */
export async function recover(image: ImageDirectory, facts: Facts): Promise<Recovered> {
  const platform = createMemoryPlatform({ seed: 1 });
  const disk = new RecordingDisk(diskOf(image, {}, { clock: platform.time }), image);
  let logs: LogManager;
  try {
    const opened = await openLogs(disk, platform);
    logs = opened.logs;
    if (opened.fatal.length > 0) throw opened.fatal[0];
  } catch (error) {
    throw new Violation(`the directory cannot be opened: ${error instanceof Error ? error.stack : String(error)}`);
  }
  for (const [name, reason] of logs.offlineLogs) throw new Violation(`${name} is offline: ${reason}`);
  for (const directory of logs.directories)
    if (directory.offline) throw new Violation(`${directory.path} is offline: ${directory.failure}`);
  for (const log of logs.all()) if (!facts.has(log.name)) throw new Violation(`${log.name} was never created`);
  for (const [name, expected] of facts) await checkPartition(name, expected, logs, disk);
  return { logs, disk, platform };
}

/** That the state which recovery left survives another failure at once, and that recovering again changes nothing. */
export async function checkSecondRecovery(image: ImageDirectory, before: Facts, first: Recovered): Promise<void> {
  const left = new CrashImage(image);
  for (const entry of first.disk.journal) left.apply(entry);
  const count = left.pending().length;
  const facts = settledFacts(first.logs, before);
  const crashed = left.build(new Array(count).fill("lost"));
  const second = await recover(crashed, facts);
  // Once more, from what this recovery left: now not a byte may change.
  const settled = new CrashImage(crashed);
  for (const entry of second.disk.journal) settled.apply(entry);
  const kept = settled.build(new Array(settled.pending().length).fill("kept"));
  const third = await recover(kept, facts);
  const last = new CrashImage(kept);
  for (const entry of third.disk.journal) last.apply(entry);
  const after = last.build(new Array(last.pending().length).fill("kept"));
  const differing = differenceOf(kept, after);
  if (differing !== null) throw new Violation(`another recovery changed ${differing}`);
}

/** That the recovered logs take appends, stop cleanly and come back. */
export async function checkGoesOn(image: ImageDirectory, facts: Facts, recovered: Recovered): Promise<void> {
  const { logs, platform, disk } = recovered;
  // As a broker does with what the metadata log names.
  for (const { topic, topicId, partition, presence } of facts.values())
    if (presence !== "gone") logs.create(topic, topicId, partition, CONFIG);
  const ends = new Map<string, number>();
  for (const log of logs.all()) {
    const records = new BatchBuilder().append({ timestamp: 1, value: Buffer.from("more") }).build();
    const options = {
      leaderEpoch: log.leaderEpoch + 1,
      origin: "client",
      retain: false,
      nowMs: platform.clock.now(),
    } as const;
    const outcome = log.append(records, options);
    if (!outcome.ok) throw new Violation(`${log.name} takes no appends any more: ${outcome.message}`);
    ends.set(log.name, outcome.lastOffset + 1);
  }
  await platform.time.complete(Promise.all([...logs.all()].map(log => logs.flush(log))));
  await platform.time.complete(logs.close());
  const left = new CrashImage(image);
  for (const entry of disk.journal) left.apply(entry);
  const stopped = left.build(new Array(left.pending().length).fill("lost"));
  const { logs: again } = await openLogs(diskOf(stopped), createMemoryPlatform({ seed: 1 }));
  if (again.cleanShutdownEpoch === null) throw new Violation("a clean stop did not count as one");
  for (const [name, endOffset] of ends) {
    const log = [...again.all()].find(other => other.name === name);
    if (log?.logEndOffset !== endOffset)
      throw new Violation(`${name} ends at ${log?.logEndOffset} after a clean stop at ${endOffset}`);
  }
}

/** What a run may rely on once recovery is over: all that it serves. */
export function settledFacts(logs: LogManager, before: Facts): Facts {
  const facts = new Map<string, PartitionFacts>();
  for (const log of logs.all()) {
    const compactedEnd = before.get(log.name)?.compactedEnd ?? 0;
    const batches = scanLog(log, compactedEnd).flat();
    facts.set(log.name, {
      ...log.topicPartition,
      presence: "acknowledged",
      branches: [{ startOffset: log.logStartOffset, batches }],
      swapped: null,
      compactedEnd,
      acknowledgedEnd: log.logEndOffset,
      acknowledgedStart: log.logStartOffset,
      requestedStart: log.logStartOffset,
    });
  }
  return facts;
}

async function checkPartition(
  name: string,
  expected: PartitionFacts,
  logs: LogManager,
  disk: RecordingDisk,
): Promise<void> {
  const log = logs.get(expected.topic, expected.partition);
  if (log === undefined) {
    if (expected.presence === "acknowledged") throw new Violation(`${name} is missing`);
    return;
  }
  if (expected.presence === "gone") throw new Violation(`${name} was deleted and is back`);
  const { topicId } = log.topicPartition;
  // The id becomes durable with the first flush; the metadata log knows it as well.
  const isIdLost = topicId === ZERO_UUID && expected.presence === "possible";
  if (topicId !== expected.topicId && !isIdLost) throw new Violation(`${name} has topic id ${topicId}`);
  checkRange(name, expected, log);
  const read = await readAll(log);
  const scanned = scanLog(log, expected.compactedEnd);
  checkContents(name, expected, log, read);
  checkState(name, log, scanned, disk, expected.compactedEnd);
}

function checkRange(name: string, expected: PartitionFacts, log: PartitionLog): void {
  const { logStartOffset, logEndOffset } = log;
  if (logEndOffset < expected.acknowledgedEnd)
    throw new Violation(`${name} ends at ${logEndOffset}; acknowledged was ${expected.acknowledgedEnd}`);
  if (logStartOffset > expected.requestedStart)
    throw new Violation(`${name} starts at ${logStartOffset}; nothing above ${expected.requestedStart} was to go`);
  if (logStartOffset < expected.acknowledgedStart)
    throw new Violation(
      `${name} starts at ${logStartOffset}; records below ${expected.acknowledgedStart} were deleted`,
    );
  if (log.flushedOffset !== logEndOffset)
    throw new Violation(`${name} serves up to ${logEndOffset} but has flushed only to ${log.flushedOffset}`);
}

/** The log is the beginning of one of its branches, and holds what was acknowledged of the latest. */
function checkContents(name: string, expected: PartitionFacts, log: PartitionLog, read: readonly ScannedBatch[]): void {
  const endOffset = read.at(-1)?.endOffset ?? log.logEndOffset;
  if (endOffset !== log.logEndOffset)
    throw new Violation(`${name} ends at ${log.logEndOffset} but reads to ${endOffset}`);
  const { branches, swapped } = expected;
  const possible = swapped === null ? branches : [...branches, swapped];
  const matches = possible.some(branch => isBeginningOf(read, branch, log.logStartOffset));
  if (!matches) {
    const found = read.map(batch => `${batch.baseOffset}-${batch.endOffset}`).join(" ");
    const known = possible
      .map(branch => branch.batches.map(batch => `${batch.baseOffset}-${batch.endOffset}`).join(" "))
      .join(" | ");
    throw new Violation(`${name} holds what it never held: from ${log.logStartOffset}: ${found}; known: ${known}`);
  }
  const lost = firstLost(read, branches.at(-1)!, expected.acknowledgedEnd, log.logStartOffset);
  if (
    lost === null ||
    (swapped !== null && firstLost(read, swapped, expected.acknowledgedEnd, log.logStartOffset) === null)
  )
    return;
  throw new Violation(`${name} lost or changed the acknowledged batch at ${lost}`);
}

/** Offset of the first batch of `branch` below `acknowledgedEnd` that was not read; null when all were. */
function firstLost(
  read: readonly ScannedBatch[],
  branch: Branch,
  acknowledgedEnd: number,
  logStartOffset: number,
): number | null {
  let index = 0;
  for (const { baseOffset, endOffset, bytes } of branch.batches) {
    if (endOffset > acknowledgedEnd || endOffset <= logStartOffset) continue;
    if (!read[index]?.bytes.equals(bytes)) return baseOffset;
    index += 1;
  }
  return null;
}

function isBeginningOf(read: readonly ScannedBatch[], branch: Branch, logStartOffset: number): boolean {
  const first = branch.batches.findIndex(batch => batch.endOffset > logStartOffset);
  if (read.length === 0) return true;
  if (first < 0) return false;
  return read.every((batch, index) => branch.batches[first + index]?.bytes.equals(batch.bytes) ?? false);
}

/** Indexes, epochs, producers and transactions say what the batches say. */
function checkState(
  name: string,
  log: PartitionLog,
  scanned: readonly ScannedBatch[][],
  disk: RecordingDisk,
  compactedEnd: number,
): void {
  for (const [index, segment] of log.segments.all().entries()) {
    const batches = scanned[index]!;
    // What is left of a removal nobody looks at.
    if ((batches.at(-1)?.endOffset ?? log.logEndOffset) <= log.logStartOffset) continue;
    const words = scanOffsetIndex(batches, segment.baseOffset, CONFIG.indexIntervalBytes);
    const encoded = segment.offsetIndex.encode();
    const found = Array.from({ length: encoded.length / 4 }, (_, word) => encoded.readInt32BE(word * 4));
    if (found.join() !== words.join())
      throw new Violation(`${name}: offset index of segment ${segment.baseOffset} is ${found}, not ${words}`);
    const { required, possible } = scanTimeIndex(batches, segment.baseOffset, CONFIG.indexIntervalBytes);
    const times = timeEntriesOf(segment.timeIndex.encode());
    if (!required.every(entry => times.includes(entry)) || !times.every(entry => possible.has(entry)))
      throw new Violation(`${name}: time index of segment ${segment.baseOffset} is ${times}, not ${required}`);
    const path = segment.path(".log");
    if (disk.status(path).sizeBytes !== segment.sizeBytes)
      throw new Violation(`${name}: segment ${segment.baseOffset} is longer on disk than it says`);
  }
  const batches = scanned.flat().filter(batch => batch.endOffset > log.logStartOffset);
  const epochs = scanEpochs(batches, log.logStartOffset);
  const foundEpochs = log.epochEntries;
  if (!areEpochsOf(epochs, foundEpochs, compactedEnd))
    throw new Violation(`${name}: leader epochs are ${describeEpochs(foundEpochs)}, not ${describeEpochs(epochs)}`);
  const { producers, aborted } = scanProducers(batches);
  for (const [producerId, producer] of producers) {
    const entry = log.producers.get(producerId);
    const last = entry?.batches.at(-1);
    if (entry?.epoch !== producer.epoch)
      throw new Violation(`${name}: producer ${producerId} has epoch ${entry?.epoch}`);
    if (
      producer.lastOffset >= 0 &&
      (last?.lastSequence !== producer.lastSequence || last.lastOffset !== producer.lastOffset)
    )
      throw new Violation(
        `${name}: producer ${producerId} has ${JSON.stringify(last)}, not ${JSON.stringify(producer)}`,
      );
    const { transactionFirstOffset } = entry;
    const isOld = transactionFirstOffset >= 0 && transactionFirstOffset < log.logStartOffset;
    if (!isOld && transactionFirstOffset !== producer.transactionFirstOffset)
      throw new Violation(`${name}: transaction of ${producerId} began at ${transactionFirstOffset}`);
  }
  const foundAborted = log
    .abortedTransactions(log.logStartOffset, log.logEndOffset)
    .filter(transaction => transaction.firstOffset >= log.logStartOffset)
    .map(transaction => describeTransaction(transaction, compactedEnd));
  const abortedText = aborted
    .filter(({ firstOffset }) => firstOffset >= log.logStartOffset)
    .map(transaction => describeTransaction(transaction, compactedEnd));
  if (
    compactedEnd === 0
      ? foundAborted.join() !== abortedText.join()
      : !abortedText.every(text => foundAborted.includes(text))
  )
    throw new Violation(`${name}: aborted transactions are ${foundAborted}, not ${abortedText}`);
}

/** Whether `found` says what the batches say. Where compaction took the first batches of an epoch, it began earlier; others may have none left. */
function areEpochsOf(
  scanned: readonly LeaderEpochEntry[],
  found: readonly LeaderEpochEntry[],
  compactedEnd: number,
): boolean {
  if (compactedEnd === 0) return describeEpochs(scanned) === describeEpochs(found);
  return scanned.every(({ epoch, startOffset }, index) => {
    const entry = found.find(other => other.epoch === epoch);
    const previousEnd = scanned[index - 1]?.startOffset ?? -1;
    return entry !== undefined && entry.startOffset <= startOffset && entry.startOffset > previousEnd;
  });
}

/** What compaction leaves of a transaction may be its end alone. */
function describeTransaction(
  { producerId, firstOffset, lastOffset }: ScannedTransaction,
  compactedEnd: number,
): string {
  return `${producerId}: ${compactedEnd > 0 ? "" : firstOffset}-${lastOffset}`;
}

function describeEpochs(entries: readonly LeaderEpochEntry[]): string {
  return entries.map(({ epoch, startOffset }) => `${epoch} ${startOffset}`).join();
}

/** The batches of each segment, read from its file. */
function scanLog(log: PartitionLog, compactedEnd: number): ScannedBatch[][] {
  let nextOffset = -1;
  return log.segments.all().map(segment => {
    const contents = Buffer.alloc(segment.sizeBytes);
    segment.file.read(contents, 0);
    let batches: ScannedBatch[];
    try {
      batches = scanBatches(contents);
    } catch (error) {
      throw new Violation(`${log.name}, segment ${segment.baseOffset}: ${(error as Error).message}`);
    }
    if (nextOffset > segment.baseOffset) throw new Violation(`${log.name}: segments overlap at ${segment.baseOffset}`);
    if (compactedEnd === 0 && nextOffset >= log.logStartOffset && segment.baseOffset > nextOffset)
      throw new Violation(`${log.name} has a hole before segment ${segment.baseOffset}`);
    nextOffset = batches.at(-1)?.endOffset ?? segment.baseOffset;
    return batches;
  });
}

async function readAll(log: PartitionLog): Promise<ScannedBatch[]> {
  const batches: ScannedBatch[] = [];
  let offset = log.logStartOffset;
  while (offset < log.logEndOffset) {
    const outcome = await log.read(offset, 100_000, log.logEndOffset, { minOneBatch: true });
    if (!outcome.ok) throw new Violation(`${log.name} refuses a read at ${offset}: ${outcome.message}`);
    if (outcome.sizeBytes === 0) throw new Violation(`${log.name} has nothing at ${offset}`);
    const found = scanBatches(Buffer.concat(outcome.chunks));
    batches.push(...found);
    offset = found.at(-1)!.endOffset;
  }
  return batches;
}

function timeEntriesOf(encoded: Buffer): string[] {
  const entries: string[] = [];
  for (let at = 0; at < encoded.length; at += 12)
    entries.push(`${encoded.readBigInt64BE(at)} ${encoded.readInt32BE(at + 8)}`);
  return entries;
}

/** The first file that differs; null when none does. */
function differenceOf(before: ImageDirectory, after: ImageDirectory): string | null {
  const files = new Map(filesIn(before));
  for (const [path, contents] of filesIn(after)) {
    if (!files.get(path)?.equals(contents)) return path;
    files.delete(path);
  }
  return files.keys().next().value ?? null;
}
