/**
 * A failing disk: each script is run once for each of its disk operations, with that one failing, and once more with the disk full from there on.
 * Whatever was acknowledged must survive a power failure right after, a sync that failed must end the process, and a disk that was only full must
 * leave logs that work.
 */
import { SeededRandom } from "../../../src/platform/memory.ts";
import { DiskError } from "../../../src/platform/platform.ts";
import { CrashImage, type Fate } from "./crash-image.ts";
import type { OperationSite } from "./journal.ts";
import { journaledScenarios } from "./journal-scenarios.ts";
import { checkGoesOn, recover, Violation } from "./rules.ts";
import { type Scenario, scenarios } from "./scenarios.ts";
import { describeSelection } from "./selections.ts";
import { World } from "./world.ts";

type FaultKind = "EIO" | "ENOSPC" | "full";

/** Every operation where there is time for it; elsewhere a sample. */
const SHARE = Number(process.env.TEST_POWER_LOSS_FAULTS ?? (process.env.CI === undefined ? 0.2 : 1));
const replay = process.env.TEST_FAULT?.split("/");

describe("logs on a failing disk", function () {
  this.timeout(600_000);
  const { stackTraceLimit } = Error;
  // Each start looks for files that are not there, and what those errors cost most is their stacks.
  before(() => {
    Error.stackTraceLimit = 2;
  });
  let runCount = 0;
  let stateCount = 0;

  for (const scenario of [...scenarios, ...journaledScenarios]) {
    if (replay !== undefined && replay[0] !== scenario.name) continue;
    it(`keep what was acknowledged: ${scenario.name}`, async () => {
      const { operationCount } = (await runWithFault(scenario, "EIO", Number.POSITIVE_INFINITY)).world.disk;
      const random = new SeededRandom(scenario.name);
      for (const kind of ["EIO", "ENOSPC", "full"] as const) {
        if (replay !== undefined && replay[1] !== kind) continue;
        for (let index = 0; index < operationCount; index += 1) {
          if (replay === undefined ? !random.chance(shareOf(scenario)) : replay[2] !== String(index)) continue;
          stateCount += await checkFault(scenario, kind, index, random);
          runCount += 1;
        }
      }
    });
  }

  after(() => {
    Error.stackTraceLimit = stackTraceLimit;
    console.log(`    ${runCount} runs with a fault, ${stateCount} states opened after them`);
  });
});

/** Of scripts that run with a journal once more, a sample will do. */
function shareOf({ name }: Scenario): number {
  return name.endsWith("+journal") ? SHARE / 4 : SHARE;
}

interface FaultyRun {
  readonly world: World;
  readonly failed: readonly OperationSite[];
  /** What ended the script; null when it came to its end. */
  readonly error: unknown;
}

async function runWithFault(scenario: Scenario, kind: FaultKind, index: number): Promise<FaultyRun> {
  const world = new World({ seed: 1, journal: scenario.journal ?? null });
  const failed: OperationSite[] = [];
  world.disk.inject = site => {
    if (site.index < index || (kind !== "full" && site.index > index)) return null;
    if (kind !== "EIO" && !needsSpace(site)) return null;
    failed.push(site);
    return kind === "full" ? "ENOSPC" : kind;
  };
  let error: unknown = null;
  try {
    await scenario.run(world);
  } catch (thrown) {
    error = thrown;
  }
  // A sync under way may have failed, and is about to say so.
  await world.advance(10);
  return { world, failed, error };
}

function needsSpace(site: OperationSite): boolean {
  return !["truncate", "remove", "removeDirectory", "syncDirectory"].includes(site.operation);
}

async function checkFault(scenario: Scenario, kind: FaultKind, index: number, random: SeededRandom): Promise<number> {
  const { world, failed, error } = await runWithFault(scenario, kind, index);
  if (failed.length === 0) return 0;
  const site = `${failed[0]!.operation} ${failed[0]!.path}`;
  const name = `${scenario.name}/${kind}/${index}`;
  let stateCount = 0;
  try {
    if (error !== null && !isExpected(error, world)) throw error;
    const lostData = failed.some(
      ({ operation, path }) =>
        operation === "sync" && (path.endsWith(".log") || (kind === "EIO" && path.includes("samsa.journal"))),
    );
    if (lostData && error === null && !world.hasFailed) throw new Violation("a sync failed, and nobody was told");
    // The machine goes down now: whatever was acknowledged must be there.
    const image = new CrashImage(world.initial);
    for (const entry of world.disk.journal) image.apply(entry);
    const pending = image.pending();
    const facts = world.history.current;
    const selections: (() => Fate)[] = [
      () => "lost",
      () => "kept",
      () => (random.chance(0.5) ? "kept" : "lost"),
      () => (random.chance(0.8) ? "kept" : "lost"),
    ];
    for (const fateOf of selections) {
      const fates = pending.map(fateOf);
      const left = image.build(fates);
      try {
        const recovered = await recover(left, facts);
        if (stateCount % 4 === 0) await checkGoesOn(left, facts, recovered);
      } catch (violation) {
        throw new Violation(`${(violation as Error).message}; after ${describeSelection(fates)}`);
      }
      stateCount += 1;
    }
    if (kind !== "EIO") await checkUsable(world);
  } catch (violation) {
    const message = violation instanceof Violation ? violation.message : (violation as Error).stack;
    throw new Violation(
      `${message}\n  when ${site} failed${error === null ? "" : `, the script ended with ${String(error)}`}` +
        `\n  see it again: TEST_FAULT='${name}' npx mocha --no-config --extension ts test/log/power-loss/faults.test.ts`,
    );
  }
  return stateCount;
}

/** A step may fail with the disk's error, or for what it needs is no more. */
function isExpected(error: unknown, world: World): boolean {
  return error instanceof DiskError || world.hasFailed;
}

/** With space on the disk again, logs that are open take appends, and what they hold can be read. */
async function checkUsable(world: World): Promise<void> {
  world.disk.inject = null;
  if (!world.isOpenNow || world.hasFailed) return;
  for (const log of [...world.logs.all()]) {
    if (!world.append(log.name)) throw new Violation(`${log.name} takes no appends, though there is space again`);
    await world.flush(log.name);
    await world.checkReadable(log.name);
  }
}
