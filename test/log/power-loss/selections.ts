/**
 * Which of the changes that were pending when the power failed survived: all the selections worth looking at.
 *
 * Most file system bugs need at most three operations, so all selections that keep, or lose, up to three changes are taken; beyond that, and for
 * writes that survive in part, a sample.
 */
import type { SeededRandom } from "../../../src/platform/memory.ts";
import type { Fate, PendingChange, Tear } from "./crash-image.ts";

/** Up to so many pending changes all choices of three are taken; with more, all choices of two, and some of three. */
const EXHAUSTIVE_LIMIT = 13;
const SAMPLED_TRIPLES = 150;
/** So many of the latest pending changes are chosen among at random; the older ones all share one fate. */
const RANDOM_LIMIT = 40;

/** The ways in which a write survives in part, by the letter that stands for them in a printed selection. */
const TEARS: ReadonlyMap<string, Tear> = new Map(
  ([512, 4096] as const).flatMap((blockSizeBytes, index) => {
    const tear = (letter: string, name: string, sizeKept: boolean, keeps: Tear["keeps"]): [string, Tear] => [
      String.fromCharCode(letter.charCodeAt(0) + index * 8),
      { blockSizeBytes, keeps, sizeKept, name: `${name}, ${blockSizeBytes} bytes` },
    ];
    return [
      tear("a", "first blocks only", false, (block, count) => block < count / 2),
      tear("b", "first blocks only, the rest zeros", true, (block, count) => block < count / 2),
      tear("c", "last block only, zeros before", true, (block, count) => block === count - 1),
      tear("d", "every other block", true, block => block % 2 === 0),
      tear("e", "all but the last block", false, (block, count) => block < count - 1),
      tear("f", "all but the first block", true, block => block > 0),
      tear("g", "zeros", true, () => false),
    ];
  }),
);

const SYMBOLS = new Map<Fate, string>([
  ["lost", "."],
  ["kept", "#"],
  ...[...TEARS].map(([letter, tear]): [Fate, string] => [tear, letter]),
]);

/** `.` for a lost change, `#` for a kept one, a letter for a torn one, in order. */
export function describeSelection(fates: readonly Fate[]): string {
  return fates.map(fate => SYMBOLS.get(fate)).join("");
}

export function parseSelection(text: string): Fate[] {
  return [...text].map(letter => (letter === "." ? "lost" : letter === "#" ? "kept" : TEARS.get(letter)!));
}

/** All selections for `pending`, the same ones for the same seed. Some may lead to the same state. */
export function* selections(pending: readonly PendingChange[], random: SeededRandom): IterableIterator<Fate[]> {
  const count = pending.length;
  const fill = (fate: Fate): Fate[] => new Array<Fate>(count).fill(fate);
  yield fill("lost");
  if (count === 0) return;
  yield fill("kept");
  for (const chosen of choices(count, random)) {
    for (const [fate, other] of [
      ["kept", "lost"],
      ["lost", "kept"],
    ] as const) {
      const fates = fill(other);
      for (const index of chosen) fates[index] = fate;
      yield fates;
    }
  }
  yield* prefixes(count);
  yield* tears(pending);
  for (let sample = 0; sample < Math.min(count, 12); sample += 1) {
    const kept = random.float();
    const torn = random.float() * 0.3;
    const letters = [...TEARS.values()];
    const older: Fate = random.chance(0.5) ? "kept" : "lost";
    yield pending.map(({ change }, index) => {
      if (index < count - RANDOM_LIMIT) return older;
      if (change.kind === "write" && random.chance(torn)) return letters[random.integer(letters.length)]!;
      return random.chance(kept) ? "kept" : "lost";
    });
  }
}

/** What is left when the system wrote changes back strictly in order. */
function* prefixes(count: number): IterableIterator<Fate[]> {
  for (let length = 1; length < count; length += 1)
    yield Array.from({ length: count }, (_, index) => (index < length ? "kept" : "lost"));
}

/** Each pending write torn in each way, with everything before it, or everything else, surviving. */
function* tears(pending: readonly PendingChange[]): IterableIterator<Fate[]> {
  for (const [index, { change }] of pending.entries()) {
    if (change.kind !== "write") continue;
    for (const tear of TEARS.values()) {
      if (tear.name.startsWith("zeros") ? tear.blockSizeBytes === 4096 : blocksOf(change, tear.blockSizeBytes) < 2)
        continue;
      yield pending.map((_, other) => (other === index ? tear : other < index ? "kept" : "lost"));
      yield pending.map((_, other) => (other === index ? tear : "kept"));
      yield pending.map((_, other) => (other === index ? tear : "lost"));
    }
  }
}

function blocksOf(write: { position: number; bytes: Buffer }, blockSizeBytes: number): number {
  const first = Math.floor(write.position / blockSizeBytes);
  return Math.floor((write.position + write.bytes.length - 1) / blockSizeBytes) - first + 1;
}

/** Choices of one, two and three of `count`. */
function* choices(count: number, random: SeededRandom): IterableIterator<number[]> {
  for (let first = 0; first < count; first += 1) yield [first];
  for (let first = 0; first < count; first += 1)
    for (let second = first + 1; second < count; second += 1) yield [first, second];
  if (count > EXHAUSTIVE_LIMIT) {
    for (let sample = 0; sample < SAMPLED_TRIPLES; sample += 1) yield [0, 0, 0].map(() => random.integer(count));
    return;
  }
  for (let first = 0; first < count; first += 1)
    for (let second = first + 1; second < count; second += 1)
      for (let third = second + 1; third < count; third += 1) yield [first, second, third];
}
