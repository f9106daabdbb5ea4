import { execFileSync } from "node:child_process";
import { expect } from "chai";

const NURSERY = new URL("../../src/cli/nursery.ts", import.meta.url).href;

/** In a process of its own, for the flags are the process's: objects that all survive, and how large the nursery has become. */
function nurseryAfterWork(): number {
  const script = `
    import { getHeapSpaceStatistics } from "node:v8";
    import { limitNursery } from ${JSON.stringify(NURSERY)};
    limitNursery({ every: (periodMs, callback) => setInterval(callback, periodMs).unref() });
    const kept = [];
    const end = Date.now() + 2000;
    let largest = 0;
    while (Date.now() < end) {
      // In steps, as requests come.
      for (let index = 0; index < 2000; index++) kept[Math.floor(Math.random() * 200_000)] = { index, list: [index] };
      await new Promise(resolve => setTimeout(resolve, 1));
      const { space_size } = getHeapSpaceStatistics().find(({ space_name }) => space_name === "new_space");
      largest = Math.max(largest, space_size);
    }
    console.log(largest);
  `;
  return Number(execFileSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" }));
}

describe("limitNursery", () => {
  it("keeps new space near its limit where it would grow far beyond, and leaves it room", () => {
    const sizeBytes = nurseryAfterWork();
    expect(sizeBytes).to.be.within(8 * 1024 * 1024, 64 * 1024 * 1024);
  });
});
