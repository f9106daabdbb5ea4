/**
 * From a recorded run to all the states that a power failure during it could leave, each opened and held against the rules.
 *
 * A state is named by `run/seed/position/selection`: after `position` journal entries, with those of the pending changes surviving that the selection
 * says (see `selections.ts`). Failures during recovery add another `/position/selection`.
 */
import { SeededRandom } from "../../../src/platform/memory.ts";
import { CrashImage, type Fate, type PendingChange } from "./crash-image.ts";
import type { Facts, History } from "./history.ts";
import type { ImageDirectory, JournalEntry } from "./journal.ts";
import { checkGoesOn, checkSecondRecovery, recover, settledFacts, Violation } from "./rules.ts";
import { describeSelection, parseSelection, selections } from "./selections.ts";

export interface Run {
  /** `run/seed`, as in the name of a state. */
  readonly name: string;
  readonly seed: number;
  readonly initial: ImageDirectory;
  readonly journal: readonly JournalEntry[];
  readonly history: Pick<History, "at">;
}

export interface ExploreOptions {
  /** At most so many states are opened, a sample of all. */
  readonly limit: number;
  /** Share of the moments that are looked at. */
  readonly positionRatio: number;
  /** Every so many states, the failures during their recovery are explored too. */
  readonly nestedEvery: number;
  readonly nestedLimit: number;
  /** Only this position and selection, and the same for a failure during recovery. */
  readonly replay?: readonly string[];
}

export interface Explored {
  /** States opened, failures during recovery included. */
  stateCount: number;
  /** About how many different ones there are, of the moments looked at. */
  possibleCount: number;
  recoveryFailureCount: number;
}

interface State {
  readonly position: number;
  readonly fates: readonly Fate[];
}

/** Opens the states that a failure during `run` could leave. Throws a {@link Violation} that says how to see it again. */
export async function explore(run: Run, options: ExploreOptions): Promise<Explored> {
  const random = new SeededRandom(run.seed).fork("explore");
  const { chosen, possibleCount } =
    options.replay === undefined
      ? chooseStates(run, options, random)
      : { chosen: [parseState(options.replay)], possibleCount: 1 };
  const explored: Explored = { stateCount: 0, possibleCount, recoveryFailureCount: 0 };
  const image = new CrashImage(run.initial);
  let position = 0;
  for (const [index, state] of chosen.entries()) {
    while (position < state.position) image.apply(run.journal[position++]!);
    const name = `${run.name}/${state.position}/${describeSelection(state.fates)}`;
    const isNested = options.nestedEvery > 0 && index % options.nestedEvery === options.nestedEvery - 1;
    if (options.replay !== undefined) printPending(name, image.pending(), state.fates);
    const nested = { ...options, nestedEvery: 0, positionRatio: 0.4, limit: isNested ? options.nestedLimit : 0 };
    if (options.replay !== undefined) nested.limit = options.replay.length > 2 ? 1 : 0;
    await checkState(
      name,
      image.build(state.fates),
      run.history.at(state.position),
      run.seed + index,
      nested,
      explored,
    );
  }
  return explored;
}

async function checkState(
  name: string,
  left: ImageDirectory,
  facts: Facts,
  seed: number,
  nested: ExploreOptions,
  explored: Explored,
): Promise<void> {
  explored.stateCount += 1;
  try {
    const recovered = await recover(left, facts);
    const recoveryJournal = [...recovered.disk.journal];
    if (nested.limit > 0) {
      const settled = settledFacts(recovered.logs, facts);
      const during: Pick<History, "at"> = {
        at: position => (position === recoveryJournal.length ? withRemoved(settled, facts) : facts),
      };
      const { replay, ...others } = nested;
      const options = replay === undefined ? others : { ...others, replay: replay.slice(2) };
      const result = await explore({ name, seed, initial: left, journal: recoveryJournal, history: during }, options);
      explored.stateCount += result.stateCount;
      explored.recoveryFailureCount += result.stateCount;
    }
    if (seed % 4 === 0) await checkSecondRecovery(left, facts, recovered);
    if (seed % 8 === 0) await checkGoesOn(left, facts, recovered);
  } catch (error) {
    if (error instanceof Error && error.message.includes("TEST_POWER_LOSS=")) throw error;
    const message = error instanceof Error ? (error instanceof Violation ? error.message : error.stack) : String(error);
    throw new Violation(
      `${message}\n  see it again: TEST_POWER_LOSS='${name}' npx mocha --no-config --extension ts test/log/power-loss/power-loss.test.ts`,
    );
  }
}

/** What was never acknowledged may be gone after recovery, so the settled facts do not know it; what was deleted must still not come back. */
function withRemoved(settled: Facts, before: Facts): Facts {
  const facts = new Map(settled);
  for (const [name, partition] of before) if (!facts.has(name)) facts.set(name, { ...partition, presence: "possible" });
  return facts;
}

/** A sample of all states, in the order of the journal, and how many there are. */
function chooseStates(
  run: Run,
  options: ExploreOptions,
  random: SeededRandom,
): { chosen: State[]; possibleCount: number } {
  const chosen: State[] = [];
  let possibleCount = 0;
  const image = new CrashImage(run.initial);
  const visited = random.fork("positions");
  const picks = random.fork("picks");
  let previous: { facts: Facts; durableCount: number } | null = null;
  for (let position = 0; position <= run.journal.length; position += 1) {
    if (position > 0) image.apply(run.journal[position - 1]!);
    if (!visited.chance(options.positionRatio)) {
      previous = null;
      continue;
    }
    const facts = run.history.at(position);
    const pending = image.pending();
    // Where only a change came to those that were pending before, what is left without it was left there, too.
    const isLastNew = previous !== null && previous.facts === facts && previous.durableCount === image.durableCount;
    for (const fates of selections(pending, random)) {
      if (isLastNew && fates.at(-1) === "lost") continue;
      possibleCount += 1;
      if (chosen.length < options.limit) {
        chosen.push({ position, fates });
        continue;
      }
      const index = picks.integer(possibleCount);
      if (index < options.limit) chosen[index] = { position, fates };
    }
    previous = { facts, durableCount: image.durableCount };
  }
  const different = new Map(chosen.map(state => [`${state.position} ${describeSelection(state.fates)}`, state]));
  return { chosen: [...different.values()].sort((a, b) => a.position - b.position), possibleCount };
}

function printPending(name: string, pending: readonly PendingChange[], fates: readonly Fate[]): void {
  console.log(name);
  for (const [index, { at, change }] of pending.entries()) {
    const what =
      change.kind === "entries"
        ? change.label
        : change.kind === "write"
          ? `write ${change.bytes.length} bytes at ${change.position} of file ${change.file}`
          : `truncate file ${change.file} to ${change.sizeBytes}`;
    console.log(`  ${at} ${describeSelection([fates[index]!])} ${what}`);
  }
}

function parseState([position, selection]: readonly string[]): State {
  return { position: Number(position), fates: parseSelection(selection ?? "") };
}
