import { expect } from "chai";
import { type QuorumShape, runQuorum } from "./quorum-scenario.ts";

/** More with `npm run simulate -- --seeds 3000`. */
const SEED_COUNT = 12;

describe("simulated quorum", () => {
  it("gives the same trace for the same seed, and another for another", async () => {
    const [first, again, other] = [
      await runQuorum({ seed: 3 }),
      await runQuorum({ seed: 3 }),
      await runQuorum({ seed: 4 }),
    ];
    expect(first.hash).to.equal(again.hash);
    expect(first.hash).not.to.equal(other.hash);
  });

  for (let seed = 1; seed <= SEED_COUNT; seed += 1) {
    it(`keeps its invariants and converges, seed ${seed}`, async () => {
      const run = await runQuorum({ seed });
      if (run.failure !== null) throw run.failure;
      expect(run.committedEndOffset).to.be.greaterThan(0);
    });
  }

  const shapes: [string, Partial<QuorumShape>][] = [
    ["of one", { voterCount: 1 }],
    ["of five with an observer", { voterCount: 5, observerCount: 1 }],
    ["whose voters are configured", { voterCount: 3, isDynamic: false, isUpgraded: false }],
    [
      "whose voters are configured, until kraft.version is raised",
      { voterCount: 3, isDynamic: false, isUpgraded: true },
    ],
    [
      "of five that does so, under many faults",
      { voterCount: 5, isDynamic: false, isUpgraded: true, faultEveryMs: 150 },
    ],
  ];
  for (const [name, shape] of shapes) {
    it(`keeps its invariants ${name}`, async () => {
      const run = await runQuorum({ seed: `shape ${name}`, shape });
      if (run.failure !== null) throw run.failure;
      expect(run.ackedCount).to.be.greaterThan(0);
    });
  }
});
