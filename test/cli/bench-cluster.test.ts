import { expect } from "chai";
import type { Broker } from "../../src/broker.ts";
import { startTestBroker } from "../support/broker.ts";
import { samsa } from "./support/samsa.ts";

describe("samsa bench against a broker", () => {
  let broker: Broker;

  before(async () => {
    broker = await startTestBroker();
  });

  after(() => broker.stop());

  async function bench(...args: string[]): Promise<string> {
    const server = `127.0.0.1:${broker.address.port}`;
    const { exitCode, output, notes } = await samsa(["bench", ...args, "-b", server]);
    expect(exitCode, notes).to.equal(0);
    return output;
  }

  it("produce makes the topic, and counts every record and its latency", async () => {
    const figures = JSON.parse(
      await bench(
        "produce",
        "filled",
        "-n",
        "5000",
        "--record-size",
        "100",
        "-p",
        "3",
        "--batch-size",
        "2000",
        "--json",
      ),
    );
    expect(figures).to.include({ records: 5000, bytes: 500_000 });
    expect(figures.perSecond.records).to.be.closeTo(5000 / figures.seconds, 1);
    const { p50, p99, max, mean } = figures.latencyMs;
    expect(0 < p50 && p50 <= p99 && p99 <= max && mean <= max, JSON.stringify(figures.latencyMs)).to.equal(true);
  });

  it("produce keeps to a rate", async () => {
    const { seconds } = JSON.parse(
      await bench("produce", "slow", "-n", "200", "--rate", "1000", "--linger", "0", "--json"),
    );
    // The last of them is due after 199 ms, and no machine is so slow that a faster one would fail.
    expect(seconds).to.be.at.least(0.199);
  });

  it("consume reads what is there, once, over all partitions", async () => {
    const figures = JSON.parse(await bench("consume", "filled", "--json"));
    expect(figures).to.include({ records: 5000, bytes: 500_000 });
    expect(figures).not.to.have.property("latencyMs");
  });

  it("latency sends and receives every record", async () => {
    const output = await bench("latency", "pings", "-n", "300", "--rate", "3000", "--record-size", "64");
    expect(output).to.match(/^sent and received 300 records in [\d.]+ s: [\d,]+ records\/s, [\d.]+ MB\/s\n/);
    expect(output).to.match(
      /latency in ms: mean [\d.]+, p50 [\d.]+, p90 [\d.]+, p99 [\d.]+, p99.9 [\d.]+, p99.99 [\d.]+, max/,
    );
  });

  it("refuses what measures nothing", async () => {
    const { exitCode, notes } = await samsa(["bench", "latency", "pings", "--record-size", "4"]);
    expect(exitCode).to.equal(2);
    expect(notes).to.contain("--record-size: expected a whole number of at least 8");
  });
});
