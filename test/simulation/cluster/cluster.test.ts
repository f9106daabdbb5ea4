import { expect } from "chai";
import { runCluster } from "./cluster-simulation.ts";

/** Those that are quick; all of them run with `npm run simulate`. */
const SCENARIOS = [
  "one-broker",
  "one-broker-power-loss",
  "elections",
  "produce",
  "isr-churn",
  "reassignment",
  "five-brokers",
  "roles-apart",
];

describe("simulated cluster", () => {
  it("gives the same trace for the same seed, and another for another", async () => {
    const [first, again, other] = [
      await runCluster({ seed: 3, scenario: "produce" }),
      await runCluster({ seed: 3, scenario: "produce" }),
      await runCluster({ seed: 4, scenario: "produce" }),
    ];
    expect(first.hash).to.equal(again.hash);
    expect(first.hash).not.to.equal(other.hash);
  }).timeout(60_000);

  // More with `npm run simulate -- --seeds 3000`.
  for (const name of SCENARIOS) {
    it(`keeps its invariants and converges: ${name}`, async () => {
      const { failure, counts } = await runCluster({ seed: 1, scenario: name });
      if (failure !== null) throw failure;
      expect(counts.acked).to.be.above(0);
      expect(counts.read).to.be.above(0);
    }).timeout(60_000);
  }
});
