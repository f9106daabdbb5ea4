/** Scripts of what brokers do to logs, each about one way to lose data. */
import type { JournalOptions } from "../../../src/log/journal/journal-options.ts";
import type { World } from "./world.ts";

export interface Scenario {
  readonly name: string;
  /** With it, flushes go to a journal. */
  readonly journal?: JournalOptions;
  readonly run: (world: World) => Promise<void>;
}

export const scenarios: readonly Scenario[] = [
  {
    name: "first-flush",
    run: async world => {
      await world.start();
      world.create("a-0");
      world.append("a-0", { records: 2 });
      await world.flush("a-0");
      world.append("a-0");
      await world.flush("a-0");
      world.append("a-0");
      await world.advance();
    },
  },
  {
    name: "group-commit",
    run: async world => {
      await world.start();
      for (const name of ["a-0", "a-1", "b-0"]) world.create(name);
      for (let round = 0; round < 3; round += 1) {
        for (const name of ["a-0", "a-1", "b-0"]) world.append(name, { records: 1 + round });
        await world.flush("a-0", "b-0");
        world.append("a-1");
        world.beginFlush("a-1");
        world.append("b-0");
        await world.advance(2);
      }
      await world.flush("a-0", "a-1", "b-0");
    },
  },
  {
    name: "flushes-overtaken",
    run: async world => {
      await world.start();
      world.create("a-0");
      for (let round = 0; round < 10; round += 1) {
        world.append("a-0");
        world.append("a-0");
        world.beginFlush("a-0");
        await world.advance(0);
        // While the sync is under way, unless it was a quick one.
        if (round % 2 === 1) world.truncateWithNewEpoch("a-0");
        world.append("a-0", { sizeBytes: 40 });
        await world.advance(0);
        await world.advance(3);
      }
    },
  },
  {
    name: "rolls",
    run: async world => {
      await world.start();
      world.create("a-0");
      for (let round = 0; round < 12; round += 1) {
        world.append("a-0", { sizeBytes: 230 });
        if (round % 3 === 1) await world.flush("a-0");
        if (round === 7) await world.checkpoint();
      }
      world.roll("a-0");
      world.append("a-0");
      await world.flush("a-0");
    },
  },
  {
    name: "large-batches",
    run: async world => {
      await world.start();
      const config = { ...world.config, segmentSizeBytes: 40_000, indexIntervalBytes: world.config.indexIntervalBytes };
      world.create("a-0", config);
      for (let round = 0; round < 5; round += 1) {
        world.append("a-0", { records: 3, sizeBytes: 3000 + round * 700 });
        world.append("a-0", { sizeBytes: 600 });
        if (round % 2 === 0) await world.flush("a-0");
        else await world.advance();
      }
      await world.flush("a-0");
    },
  },
  {
    name: "clean-stops",
    run: async world => {
      await world.start();
      world.create("a-0");
      world.create("b-0");
      for (let life = 0; life < 3; life += 1) {
        world.append("a-0", { records: 2, sizeBytes: 150 });
        world.append("b-0");
        if (life > 0) await world.flush("a-0");
        await world.stop();
        await world.start();
      }
      world.append("a-0");
      await world.flush("a-0");
    },
  },
  {
    name: "kills",
    run: async world => {
      await world.start();
      world.create("a-0");
      for (let life = 0; life < 3; life += 1) {
        for (let round = 0; round < 5; round += 1) world.append("a-0", { sizeBytes: 180 });
        await world.advance();
        if (life === 1) await world.flush("a-0");
        world.append("a-0");
        await world.advance();
        world.kill();
        await world.start();
      }
      world.append("a-0");
      await world.flush("a-0");
    },
  },
  {
    name: "truncation",
    run: async world => {
      await world.start();
      world.create("a-0");
      for (let round = 0; round < 4; round += 1) world.append("a-0", { epoch: 1 });
      await world.flush("a-0");
      await world.checkpoint();
      world.append("a-0", { epoch: 1 });
      await world.advance();
      world.truncate("a-0", 2);
      for (let round = 0; round < 3; round += 1) world.append("a-0", { epoch: 2 });
      await world.advance();
      await world.flush("a-0");
      world.truncate("a-0", 3);
      world.append("a-0", { epoch: 3 });
      await world.flush("a-0");
    },
  },
  {
    name: "truncation-with-same-sizes",
    run: async world => {
      await world.start();
      world.create("a-0");
      for (let round = 0; round < 4; round += 1) world.append("a-0", { epoch: 1, sizeBytes: 40 });
      await world.flush("a-0");
      world.truncate("a-0", 1);
      world.append("a-0", { epoch: 2, sizeBytes: 40 });
      await world.advance();
      await world.flush("a-0");
      world.append("a-0", { epoch: 2, sizeBytes: 40 });
      await world.flush("a-0");
    },
  },
  {
    name: "truncation-over-segments",
    run: async world => {
      await world.start();
      world.create("a-0");
      for (let round = 0; round < 10; round += 1) world.append("a-0", { epoch: 1, sizeBytes: 200 });
      await world.flush("a-0");
      await world.checkpoint();
      world.truncate("a-0", 4);
      for (let round = 0; round < 3; round += 1) world.append("a-0", { epoch: round === 0 ? 1 : 2, sizeBytes: 90 });
      await world.flush("a-0");
      for (let round = 0; round < 6; round += 1) world.append("a-0", { epoch: 2, sizeBytes: 200 });
      await world.flush("a-0");
      await world.advance(10);
    },
  },
  {
    name: "restart-at-offset",
    run: async world => {
      await world.start();
      world.create("a-0");
      for (let round = 0; round < 6; round += 1) world.append("a-0", { sizeBytes: 200 });
      await world.flush("a-0");
      world.restart("a-0", 100);
      await world.advance();
      world.append("a-0", { epoch: 3 });
      await world.flush("a-0");
      await world.checkpoint();
      world.restart("a-0", 40);
      await world.advance();
      world.append("a-0", { epoch: 4 });
      await world.flush("a-0");
    },
  },
  {
    name: "delete-records",
    run: async world => {
      await world.start();
      world.create("a-0");
      for (let round = 0; round < 9; round += 1) world.append("a-0", { sizeBytes: 200, epoch: round >> 2 });
      await world.flush("a-0");
      await world.deleteRecords("a-0", 2);
      world.append("a-0");
      await world.deleteRecords("a-0", 7);
      world.retain("a-0", 100_000);
      await world.advance();
      await world.flush("a-0");
      await world.checkpoint();
      world.append("a-0");
      await world.flush("a-0");
      await world.advance(5);
    },
  },
  {
    name: "retention",
    run: async world => {
      await world.start();
      world.create("a-0");
      for (let round = 0; round < 16; round += 1) world.append("a-0", { sizeBytes: 200 });
      await world.flush("a-0");
      await world.checkpoint();
      world.retain("a-0", 1500);
      await world.advance();
      world.append("a-0", { sizeBytes: 200 });
      await world.flush("a-0");
      world.retain("a-0", 0);
      await world.advance(1);
      world.append("a-0");
      await world.flush("a-0");
      await world.advance(5);
    },
  },
  {
    name: "checkpoints",
    run: async world => {
      await world.start();
      world.create("a-0");
      world.create("a-1");
      for (let round = 0; round < 4; round += 1) {
        for (let count = 0; count < 3; count += 1) world.append("a-0", { sizeBytes: 190, epoch: round });
        world.append("a-1", { epoch: round });
        await world.flush("a-0");
        await world.checkpoint();
      }
      world.append("a-0", { sizeBytes: 190 });
      await world.flush("a-0");
    },
  },
  {
    name: "lost-indexes",
    run: async world => {
      await world.start();
      world.create("a-0");
      for (let round = 0; round < 8; round += 1) world.append("a-0", { sizeBytes: 200 });
      await world.flush("a-0");
      await world.checkpoint();
      for (const suffix of ["index", "timeindex"]) {
        world.kill();
        world.loseFile(`/data/a-0/${"0".repeat(20)}.${suffix}`);
        await world.start();
      }
      world.append("a-0");
      await world.flush("a-0");
    },
  },
  {
    name: "topics",
    run: async world => {
      await world.start();
      world.create("a-0");
      world.append("a-0");
      world.create("b-0");
      world.append("b-0");
      await world.flush("a-0", "b-0");
      await world.delete("a-0");
      world.append("b-0");
      await world.flush("b-0");
      world.create("a-0");
      world.append("a-0");
      await world.flush("a-0");
      await world.advance(5);
      await world.checkpoint();
      await world.delete("b-0");
      await world.advance(5);
      await world.stop();
      await world.start();
    },
  },
  {
    name: "producers",
    run: async world => {
      await world.start();
      world.create("a-0");
      for (let round = 0; round < 9; round += 1) {
        world.produce("a-0", 1 + (round % 3), { records: 1 + (round % 2), sizeBytes: 110 });
        if (round % 4 === 3) await world.flush("a-0");
      }
      await world.checkpoint();
      world.truncate("a-0", 8);
      await world.flush("a-0");
      await world.stop();
      await world.start();
      world.append("a-0");
      await world.flush("a-0");
      world.retain("a-0", 400);
      await world.advance(5);
      await world.checkpoint();
      world.append("a-0");
      await world.flush("a-0");
    },
  },
  {
    name: "transactions",
    run: async world => {
      await world.start();
      world.create("a-0");
      const transactional = { batch: { transactional: true }, sizeBytes: 120 };
      for (let round = 0; round < 4; round += 1) {
        world.produce("a-0", 1, transactional);
        world.produce("a-0", 2, transactional);
        world.append("a-0", { sizeBytes: 80 });
        world.endTransaction("a-0", 1, round % 2 === 0 ? "abort" : "commit");
        if (round % 2 === 1) world.endTransaction("a-0", 2, "abort");
        if (round === 1) await world.flush("a-0");
        if (round === 2) await world.checkpoint();
      }
      await world.flush("a-0");
      world.truncate("a-0", 16);
      await world.flush("a-0");
      await world.stop();
      await world.start();
      await world.advance();
    },
  },
  {
    name: "compaction",
    run: async world => {
      await world.start();
      world.create("a-0");
      await compactTwice(world, "a-0");
      // Nobody has told the directory of the last names yet.
      world.append("a-0", { key: "a" });
      await world.flush("a-0");
      await world.advance(5);
      world.kill();
      await world.start();
      world.append("a-0", { key: "b" });
      await world.flush("a-0");
      await world.compact("a-0");
    },
  },
  {
    name: "compaction-of-producers",
    run: async world => {
      await world.start();
      world.create("a-0");
      for (let round = 0; round < 12; round += 1) {
        const key = `key-${round % 3}`;
        world.produce("a-0", 1 + (round % 2), { key, records: 1 + (round % 2), sizeBytes: 110 });
        if (round % 3 === 2) world.produce("a-0", 9, { key: "x", sizeBytes: 90, batch: { transactional: true } });
        if (round % 6 === 5) world.endTransaction("a-0", 9, round === 5 ? "abort" : "commit");
      }
      world.roll("a-0");
      await world.flush("a-0");
      await world.checkpoint();
      await world.compact("a-0");
      world.append("a-0", { key: "y" });
      await world.flush("a-0");
      await world.stop();
      await world.start();
      world.append("a-0", { key: "y" });
      await world.flush("a-0");
    },
  },
  {
    name: "compaction-and-cuts",
    run: async world => {
      await world.start();
      world.create("a-0");
      await compactTwice(world, "a-0");
      world.append("a-0", { key: "b", epoch: 1, records: 3 });
      world.append("a-0", { key: "c", epoch: 1 });
      await world.advance();
      world.truncate("a-0", 26);
      world.append("a-0", { key: "a", epoch: 2, sizeBytes: 150 });
      await world.flush("a-0");
      world.roll("a-0");
      world.append("a-0", { key: "a", epoch: 2, sizeBytes: 150 });
      await world.flush("a-0");
      await world.compact("a-0");
      await world.deleteRecords("a-0", 24);
      await world.advance(5);
      await world.checkpoint();
    },
  },
  {
    name: "deletions-of-several-logs",
    run: async world => {
      const names = ["a-0", "a-1", "b-0"];
      await world.start();
      for (const name of names) world.create(name);
      for (let round = 0; round < 9; round += 1)
        for (const name of names) world.append(name, { sizeBytes: 200, epoch: round >> 2 });
      await world.flush(...names);
      // In one tick, so that one checkpoint says it all.
      await Promise.all(names.map((name, index) => world.deleteRecords(name, 2 + index * 2)));
      for (const name of names) world.retain(name, 500);
      await world.advance(0);
      for (const name of names) world.append(name);
      await world.flush("b-0", "a-1");
      const checkpoint = world.checkpoint();
      await world.deleteRecords("a-0", 8);
      await world.deleteRecords("b-0", 9);
      await checkpoint;
      await world.advance(5);
      await world.delete("a-1");
      await world.deleteRecords("b-0", 10);
      await world.stop();
      await world.start();
    },
  },
  {
    name: "falling-epochs",
    run: async world => {
      const same = { sizeBytes: 60 };
      await world.start();
      world.create("a-0");
      for (let epoch = 1; epoch <= 6; epoch += 1) world.append("a-0", { ...same, epoch });
      await world.flush("a-0");
      await world.checkpoint();
      // Each batch takes the place of one of the same size and an older leader, and what stood behind is from before the cut.
      for (let round = 0; round < 3; round += 1) {
        world.truncate("a-0", 3 - round);
        world.append("a-0", { ...same, epoch: 7 + round });
        await world.advance();
        if (round === 1) await world.checkpoint();
        else await world.flush("a-0");
      }
      world.kill();
      await world.start();
      world.truncate("a-0", 1);
      await world.checkpoint();
      world.append("a-0", { ...same, epoch: 11 });
      await world.flush("a-0");
    },
  },
];

/** Small segments of few keys, compacted into one; more, and all of that compacted again. */
async function compactTwice(world: World, name: string): Promise<void> {
  for (let round = 0; round < 2; round += 1) {
    for (let count = 0; count < 12; count += 1) {
      world.append(name, { key: `key-${count % 3}`, sizeBytes: 130, epoch: round });
      if (count % 4 === 3) world.roll(name);
    }
    world.append(name, { key: "key-0", epoch: round });
    await world.flush(name);
    if (round === 0) await world.checkpoint();
    await world.compact(name);
  }
}
