/** A run of random steps: what the scripts of `scenarios.ts` did not think of. The same seed makes the same run. */
import type { World } from "./world.ts";

const NAMES = ["a-0", "a-1", "b-0"];

export async function randomRun(world: World, stepCount: number): Promise<void> {
  const { random } = world;
  await world.start();
  for (let step = 0; step < stepCount; step += 1) {
    const known = NAMES.filter(name => world.isOpen(name));
    const name = random.pick(NAMES);
    if (!known.includes(name)) {
      world.create(name);
      continue;
    }
    const choice = random.integer(100);
    if (choice < 40) randomAppend(world, name);
    else if (choice < 58) await world.flush(...known.filter(() => random.chance(0.6)), name);
    else if (choice < 68) await world.advance(random.integer(4));
    else if (choice < 71) world.beginFlush(name);
    else if (choice < 74) world.roll(name);
    else if (choice < 78) await world.checkpoint();
    else if (choice < 79) await world.compact(name);
    else if (choice < 83) world.truncateWithNewEpoch(name);
    else if (choice < 87) await randomDeleteRecords(world, name);
    else if (choice < 90) world.retain(name, random.integer(3000));
    else if (choice < 91) world.restart(name, world.log(name).logEndOffset + random.integer(50));
    else if (choice < 93) await world.delete(name);
    else if (choice < 96) {
      await world.stop();
      await world.start();
    } else if (choice < 99) {
      world.kill();
      await world.start();
    } else await world.advance(60);
  }
}

function randomAppend(world: World, name: string): void {
  const { random } = world;
  const choice = random.integer(10);
  const producerId = 1 + random.integer(3);
  const key = `key-${random.integer(4)}`;
  const step = { key, records: 1 + random.integer(4), sizeBytes: 10 + random.integer(random.chance(0.1) ? 600 : 120) };
  if (choice < 6) world.append(name, step);
  else if (choice < 8) world.produce(name, producerId, step);
  else if (choice < 9) world.produce(name, 10 + producerId, { ...step, batch: { transactional: true } });
  else world.endTransaction(name, 10 + producerId, random.chance(0.5) ? "commit" : "abort");
}

async function randomDeleteRecords(world: World, name: string): Promise<void> {
  const log = world.log(name);
  const deletable = log.flushedOffset - log.logStartOffset;
  if (deletable > 0) await world.deleteRecords(name, log.logStartOffset + 1 + world.random.integer(deletable));
}
