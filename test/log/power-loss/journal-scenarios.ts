/** Scripts about the journal: what it holds must come back after a power failure, and nothing that was cut, deleted or overwritten since. */
import type { JournalOptions } from "../../../src/log/journal/journal-options.ts";
import { type Scenario, scenarios } from "./scenarios.ts";
import type { World } from "./world.ts";

/** Room for a few frames, so that it wraps soon; used for any log, from the first round on. */
export const TIGHT: JournalOptions = {
  fileSizeBytes: 2048,
  fileCount: 3,
  minLogs: 1,
  extentMaxBytes: 1200,
  bytesPerSync: 1_000_000,
  syncParallelism: 2,
  roundsBefore: 1,
};
/** Rounds of one log sync its file, those of more go to the journal. */
const MIXED: JournalOptions = { ...TIGHT, minLogs: 2 };
/** Lets go of a file as soon as it is full, long before room runs short. */
const EARLY: JournalOptions = { ...MIXED, fileSizeBytes: 1536, fileCount: 6, bytesPerSync: 1 };
const NAMES = ["a-0", "a-1", "b-0", "b-1"];

/** As many bytes in every batch, so that frames of different uses of a file stand in the same places. */
const SAME = { records: 1, sizeBytes: 60 };

async function begin(world: World): Promise<void> {
  await world.start();
  for (const name of NAMES) world.create(name);
  for (const name of NAMES) world.append(name, SAME);
  // New logs have their files synced.
  await world.flush(...NAMES);
}

async function round(world: World, names = NAMES): Promise<void> {
  for (const name of names) world.append(name, SAME);
  await world.flush(...names);
}

const journalScenarios: readonly Scenario[] = [
  {
    name: "journal-rounds",
    journal: MIXED,
    run: async world => {
      await begin(world);
      for (let count = 0; count < 3; count += 1) await round(world);
      world.append("a-0");
      await world.advance();
    },
  },
  {
    name: "journal-wraps",
    journal: { ...TIGHT, fileSizeBytes: 1536 },
    run: async world => {
      await begin(world);
      for (let count = 0; count < 9; count += 1) await round(world);
    },
  },
  {
    name: "journal-lets-go-early",
    journal: EARLY,
    run: async world => {
      await begin(world);
      for (let count = 0; count < 4; count += 1) {
        await round(world);
        await world.advance(2);
        await round(world, ["a-0", "b-1"]);
      }
      world.truncateWithNewEpoch("a-0");
      await round(world);
    },
  },
  {
    name: "journal-mixed",
    journal: MIXED,
    run: async world => {
      await begin(world);
      for (let count = 0; count < 4; count += 1) {
        await round(world);
        await round(world, ["a-1"]);
        await round(world, ["a-0", "b-1"]);
      }
    },
  },
  {
    name: "journal-cuts",
    journal: MIXED,
    run: async world => {
      await begin(world);
      await round(world);
      await round(world);
      world.truncate("a-0", 1);
      // Synced by itself: nothing of the journal may be laid over it.
      world.append("a-0", { ...SAME, epoch: 1 });
      await world.flush("a-0");
      await round(world, ["a-1", "b-0"]);
      world.truncate("a-1", 2);
      world.truncate("b-0", 0);
      await world.advance();
      world.append("b-0", { ...SAME, epoch: 2 });
      await world.flush("b-0");
      await round(world);
    },
  },
  {
    name: "journal-cuts-and-wraps",
    journal: { ...MIXED, fileSizeBytes: 1536 },
    run: async world => {
      await begin(world);
      for (let count = 0; count < 4; count += 1) {
        await round(world);
        world.truncate("a-0", 1);
        world.append("a-0", { ...SAME, epoch: count + 1 });
        await world.flush("a-0");
        await round(world, ["a-1", "b-0", "b-1"]);
      }
    },
  },
  {
    // A round fills a file but for less than a frame: what a cut says goes into the next, while the sync of this one is under way.
    name: "journal-cuts-in-flight",
    journal: { ...MIXED, fileSizeBytes: 1340 },
    run: async world => {
      await begin(world);
      await round(world);
      await world.advance(3);
      for (let count = 0; count < 5; count += 1) {
        for (const name of NAMES) world.append(name, SAME);
        for (const name of NAMES) world.beginFlush(name);
        await world.advance(0);
        world.truncateWithNewEpoch("a-0");
        await world.advance(4);
      }
      await world.flush(...NAMES);
    },
  },
  {
    name: "journal-restarts",
    journal: MIXED,
    run: async world => {
      await begin(world);
      await round(world);
      world.restart("a-0", 0);
      world.append("a-0", { ...SAME, epoch: 1 });
      await world.flush("a-0");
      await round(world);
      world.restart("b-0", 50);
      await round(world);
    },
  },
  {
    name: "journal-deletions",
    journal: MIXED,
    run: async world => {
      await begin(world);
      await round(world);
      await world.delete("a-0");
      await round(world, ["a-1", "b-0"]);
      world.create("a-0");
      world.append("a-0", SAME);
      await world.flush("a-0");
      await world.replace("b-0");
      world.append("b-0", SAME);
      await world.flush("b-0");
      await round(world);
      await world.replace("a-1");
      await world.advance(5);
    },
  },
  {
    name: "journal-rolls",
    journal: MIXED,
    run: async world => {
      await begin(world);
      for (let count = 0; count < 4; count += 1) await round(world);
      world.roll("a-0");
      world.roll("b-1");
      for (const name of NAMES) world.append(name, SAME);
      await world.flush(...NAMES);
      await round(world);
      await world.deleteRecords("a-0", 5);
      world.retain("b-1", 0);
      await round(world);
      await world.deleteRecords("a-1", 4);
      await round(world);
    },
  },
  {
    name: "journal-stops",
    journal: MIXED,
    run: async world => {
      await begin(world);
      await round(world);
      await world.stop();
      await world.start();
      for (let count = 0; count < 2; count += 1) await round(world);
      world.kill();
      await world.start();
      await round(world);
      await world.checkpoint();
      await round(world);
      world.truncate("a-0", 1);
      await world.stop();
      await world.start();
      await world.advance();
    },
  },
];

/** Those, and each script of `scenarios.ts` once more. */
export const journaledScenarios: readonly Scenario[] = [
  ...journalScenarios,
  ...scenarios.map(scenario => ({ ...scenario, name: `${scenario.name}+journal`, journal: TIGHT })),
];
