/**
 * Power failure at every moment of scripted runs: every state that could be left is opened with the real log manager and held against the rules.
 *
 * TEST_POWER_LOSS_STATES sets how many states are opened for each script, TEST_POWER_LOSS=<name of a state> shows one again.
 */
import { explore } from "./explore.ts";
import { journaledScenarios, TIGHT } from "./journal-scenarios.ts";
import { randomRun } from "./random-run.ts";
import { type Scenario, scenarios } from "./scenarios.ts";
import { World } from "./world.ts";

const LIMIT = Number(process.env.TEST_POWER_LOSS_STATES ?? 400);
const RUNS = Number(process.env.TEST_POWER_LOSS_RUNS ?? 30);
const RANDOM_STEPS = 60;
const replay = process.env.TEST_POWER_LOSS?.split("/");
const FIRST_SEED = Number(replay?.[1] ?? process.env.TEST_POWER_LOSS_SEED ?? 1);

const RANDOM: Scenario = { name: "random", run: world => randomRun(world, RANDOM_STEPS) };
const RANDOM_JOURNALED: Scenario = { ...RANDOM, name: "random+journal", journal: TIGHT };

describe("logs after a power failure", function () {
  this.timeout(600_000);
  const { stackTraceLimit } = Error;
  // Each start looks for files that are not there, and what those errors cost most is their stacks.
  before(() => {
    Error.stackTraceLimit = 2;
  });
  let stateCount = 0;
  let possibleCount = 0;

  const exploring =
    (scenario: Scenario, seed: number, limit: number, positionRatio: number) => async (): Promise<void> => {
      const result = await exploreScenario(scenario, seed, limit, positionRatio);
      stateCount += result.stateCount;
      possibleCount += result.possibleCount;
    };

  for (const scenario of [...scenarios, ...journaledScenarios]) {
    if (replay !== undefined && replay[0] !== scenario.name) continue;
    it(`keep the rules: ${scenario.name}`, exploring(scenario, 1, limitOf(scenario), 1));
  }
  for (let seed = FIRST_SEED; seed < FIRST_SEED + RUNS; seed += 1) {
    for (const scenario of [RANDOM, RANDOM_JOURNALED]) {
      if (replay !== undefined && (replay[0] !== scenario.name || replay[1] !== String(seed))) continue;
      it(`keep the rules: ${scenario.name} ${seed}`, exploring(scenario, seed, Math.ceil(LIMIT / 4), 0.2));
    }
  }

  after(() => {
    Error.stackTraceLimit = stackTraceLimit;
    console.log(`    ${stateCount} states opened, of ${possibleCount} that scripts could leave`);
  });
});

/** Scripts that run with a journal once more have shown most of what they have to show. */
function limitOf({ name }: Scenario): number {
  return name.endsWith("+journal") ? Math.ceil(LIMIT / 2) : LIMIT;
}

async function exploreScenario(
  scenario: Scenario,
  seed: number,
  limit: number,
  positionRatio: number,
): ReturnType<typeof explore> {
  const world = new World({ seed, journal: scenario.journal ?? null });
  await scenario.run(world);
  const { initial, history, disk } = world;
  const run = { name: `${scenario.name}/${seed}`, seed, initial, journal: disk.journal, history };
  const options = { limit, positionRatio, nestedEvery: 25, nestedLimit: 12 };
  return explore(run, replay === undefined ? options : { ...options, replay: replay.slice(2) });
}
