/**
 * From the files of a journal to what has to be written where: a pure function.
 *
 * Only the newest segment of a log is ever written to: all before it were durable before it was made, and may have been compacted since.
 */
import { ZERO_UUID } from "../partition-metadata.ts";
import type { Frame, JournalHeader } from "./journal-format.ts";

/** A journal file as it was found. */
export interface FoundJournalFile {
  readonly name: string;
  readonly header: JournalHeader | "unused" | "damaged";
  readonly frames: readonly Frame[];
}

/** A log directory's partition, as far as replay wants to know it. */
export interface ReplayTarget {
  /** Null when the directory does not say. */
  readonly topicId: string | null;
  /** Base offset of its newest segment; null without any. */
  readonly newestSegment: number | null;
}

/** Bytes of a journal file that belong into a segment. */
export interface ReplayExtent {
  readonly fileName: string;
  readonly frame: Frame;
}

export interface ReplayPlan {
  /** By log directory, in the order in which they were written. */
  readonly extents: ReadonlyMap<string, readonly ReplayExtent[]>;
  /** Files to remove afterwards, the newest in use last. */
  readonly fileNames: readonly string[];
}

/** A journal in which something is missing that was durable. */
export class JournalDamagedError extends Error {
  override name = "JournalDamagedError";
}

/**
 * `targetOf` tells what there is of a log, by its directory's name; null when there is no such directory.
 * @throws JournalDamagedError
 */
export function planReplay(
  found: readonly FoundJournalFile[],
  targetOf: (name: string) => ReplayTarget | null,
): ReplayPlan {
  const damaged = found.find(({ header }) => header === "damaged");
  if (damaged !== undefined) throw new JournalDamagedError(`${damaged.name} has a damaged header`);
  const inUse = found
    .filter((file): file is UsedFile => typeof file.header === "object")
    .sort((a, b) => a.header.generation - b.header.generation);
  const extents = new Map<string, ReplayExtent[]>();
  for (const file of inUse.slice(firstInForce(inUse))) {
    for (const frame of file.frames) {
      if (frame.kind === "void") extents.delete(frame.name);
      else if (extents.has(frame.name)) extents.get(frame.name)!.push({ fileName: file.name, frame });
      else extents.set(frame.name, [{ fileName: file.name, frame }]);
    }
  }
  for (const [name, all] of extents) {
    const target = targetOf(name);
    const kept = target === null ? [] : all.filter(({ frame }) => belongs(frame, target));
    if (kept.length === 0) extents.delete(name);
    else extents.set(name, kept);
  }
  const unused = found.filter(({ header }) => header === "unused");
  return { extents, fileNames: [...unused, ...inUse].map(({ name }) => name) };
}

type UsedFile = FoundJournalFile & { readonly header: JournalHeader };

/** Number of the first file that counts. What stands before a generation that is missing was durable in the segment files when that was removed. */
function firstInForce(files: readonly UsedFile[]): number {
  for (let index = files.length - 1; index > 0; index -= 1) {
    const { header, name } = files[index]!;
    const before = files[index - 1]!;
    if (before.header.generation !== header.generation - 1) return index;
    if (before.frames.length !== header.previousFrameCount)
      throw new JournalDamagedError(
        `${before.name} holds ${before.frames.length} frames; ${name} says that it held ${header.previousFrameCount}`,
      );
  }
  return 0;
}

function belongs(frame: Frame, target: ReplayTarget): boolean {
  if (frame.baseOffset !== target.newestSegment) return false;
  return target.topicId === null || frame.topicId === ZERO_UUID || frame.topicId === target.topicId;
}
