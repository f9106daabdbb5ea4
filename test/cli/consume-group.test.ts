import { expect } from "chai";
import type { Broker } from "../../src/broker.ts";
import { startTestBroker } from "../support/broker.ts";
import { type RunOutcome, samsa } from "./support/samsa.ts";

describe("samsa consume --group", () => {
  let broker: Broker;

  before(async () => {
    broker = await startTestBroker({ config: { "offsets.topic.num.partitions": 2 } });
  });

  after(async () => {
    await broker.stop();
  });

  const address = (): string => `127.0.0.1:${broker.address.port}`;

  async function produce(topic: string, from: number, to: number): Promise<void> {
    const lines = Array.from({ length: to - from }, (_, index) =>
      JSON.stringify({ partition: (from + index) % 4, value: `v${from + index}` }),
    ).join("\n");
    const produced = await samsa(["produce", topic, "--json", "-b", address()], { input: lines });
    expect(produced.exitCode, produced.notes).to.equal(0);
  }

  async function created(topic: string): Promise<string> {
    const { exitCode, notes } = await samsa(["topics", "create", topic, "-p", "4", "-b", address()]);
    expect(exitCode, notes).to.equal(0);
    return topic;
  }

  function consume(topic: string, group: string, ...args: string[]): Promise<RunOutcome> {
    return samsa(["consume", topic, "--group", group, "--from", "earliest", "-b", address(), ...args]);
  }

  /** A member that runs until it is stopped, with what it has printed. */
  function member(topic: string, group: string) {
    const stop = new AbortController();
    const member = {
      lines: [] as string[],
      wake: () => {},
      stop: () => stop.abort(),
      ended: {} as Promise<RunOutcome>,
    };
    member.ended = samsa(["consume", topic, "--group", group, "--from", "earliest", "-b", address()], {
      stop: stop.signal,
      onOutput: output => {
        member.lines = output.trim().split("\n");
        member.wake();
      },
    });
    return member;
  }

  it("goes on where the group stopped, to the record", async () => {
    const topic = await created("resumed");
    await produce(topic, 0, 20);
    const first = await consume(topic, "readers", "-n", "7");
    expect(first.exitCode, first.notes).to.equal(0);
    expect(first.output.trim().split("\n")).to.have.length(7);
    const second = await consume(topic, "readers", "--exit-at-end");
    expect(second.exitCode, second.notes).to.equal(0);
    expect(second.notes).to.contain("Reading partitions 0, 1, 2, 3 of resumed as a member of readers.");
    const all = [...first.output.trim().split("\n"), ...second.output.trim().split("\n")];
    expect(all.sort()).to.deep.equal(Array.from({ length: 20 }, (_, index) => `v${index}`).sort());
    const third = await consume(topic, "readers", "--exit-at-end");
    expect(third.output).to.equal("");
  });

  it("shares the topic with who joins, and takes all when that one leaves", async () => {
    const topic = await created("shared");
    await produce(topic, 0, 40);
    const one = member(topic, "sharing");
    const until = async (isSo: () => boolean) => {
      while (!isSo()) {
        await new Promise<void>(resolve => {
          for (const each of [one, two]) if (each !== null) each.wake = resolve;
        });
      }
    };
    let two: ReturnType<typeof member> | null = null;
    await until(() => one.lines.length >= 40);
    two = member(topic, "sharing");
    // Records come until the second has some: then it has its share.
    let next = 40;
    while (two.lines.length === 0) {
      await produce(topic, next, next + 8);
      next += 8;
      const total = next;
      await until(() => one.lines.length + two!.lines.length >= total);
    }
    two.stop();
    expect((await two.ended).exitCode).to.equal(0);
    await produce(topic, next, next + 8);
    next += 8;
    await until(() => one.lines.length + two!.lines.length >= next);
    one.stop();
    const { exitCode, notes } = await one.ended;
    expect(exitCode, notes).to.equal(0);
    const all = [...one.lines, ...two.lines];
    expect(all).to.have.length(next);
    expect(new Set(all).size).to.equal(next);
  });

  it("refuses partitions of its own choice", async () => {
    const { exitCode, notes } = await consume("any", "g", "--partition", "1");
    expect(exitCode).to.equal(2);
    expect(notes).to.contain("Give --group or --partition, not both.");
  });
});
