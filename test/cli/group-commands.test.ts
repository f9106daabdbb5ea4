import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import kafkajs, { type Consumer } from "kafkajs";
import type { Broker } from "../../src/broker.ts";
import { parseDatetime, parseDuration, parseTopicPartitions } from "../../src/cli/commands/groups/offset-targets.ts";
import { startTestBroker } from "../support/broker.ts";
import { type RunOutcome, samsa } from "./support/samsa.ts";

describe("samsa groups and cluster", () => {
  let directory: string;
  let broker: Broker;
  let live: Consumer | null = null;

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), "samsa-cli-groups-"));
    broker = await startTestBroker({
      config: { "group.initial.rebalance.delay.ms": 0, "offsets.topic.num.partitions": 2 },
    });
    await output("topics", "create", "orders", "-p", "2");
    const timestamped = Array.from({ length: 10 }, (_, index) =>
      JSON.stringify({ partition: index % 2, value: `v${index}`, timestamp: 1_700_000_000_000 + index * 1000 }),
    ).join("\n");
    await output("topics", "create", "dated", "-p", "1");
    const produced = await samsa(["produce", "orders", "--json", "-b", address()], { input: timestamped });
    expect(produced.exitCode, produced.notes).to.equal(0);
  });

  after(async () => {
    await live?.disconnect();
    await broker.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  const address = (): string => `127.0.0.1:${broker.address.port}`;

  function run(...args: string[]): Promise<RunOutcome> {
    return samsa([...args, "-b", address(), "--timeout", "10000"]);
  }

  async function output(...args: string[]): Promise<string> {
    const outcome = await run(...args);
    expect(outcome.exitCode, outcome.notes).to.equal(0);
    return outcome.output;
  }

  const reset = (group: string, ...args: string[]) => run("groups", "reset-offsets", group, ...args);

  /** Committed offsets by `topic-partition`. */
  async function committed(group: string): Promise<Record<string, number>> {
    const { partitions } = JSON.parse(await output("groups", "describe", group, "--json"));
    return Object.fromEntries(
      partitions.map((entry: { topic: string; partition: number; committed: number }) => [
        `${entry.topic}-${entry.partition}`,
        entry.committed,
      ]),
    );
  }

  describe("reset-offsets", () => {
    it("changes nothing until told to execute", async () => {
      const dry = await reset("careful", "-t", "orders", "--to-latest");
      expect(dry.exitCode, dry.notes).to.equal(0);
      expect(dry.output.split("\n")[0]).to.match(/^topic +partition +committed +new +change$/);
      expect(dry.output).to.match(/^orders +0 +- +5 +-$/m);
      expect(dry.notes).to.contain("Nothing was changed; --execute does it.");
      expect((await run("groups", "describe", "careful")).notes).to.contain("There is no group careful.");

      const done = await reset("careful", "-t", "orders", "--to-latest", "--execute");
      expect(done.notes).to.contain("Set 2 offsets of group careful.");
      expect(await committed("careful")).to.deep.equal({ "orders-0": 5, "orders-1": 5 });
    });

    const at = (args: readonly string[]): string => args.join(" ");
    const targets: readonly [string[], Record<string, number>][] = [
      [["--to-earliest"], { "orders-0": 0, "orders-1": 0 }],
      [["--to-latest"], { "orders-0": 5, "orders-1": 5 }],
      [["--to-current"], { "orders-0": 3, "orders-1": 3 }],
      [["--to-offset", "4"], { "orders-0": 4, "orders-1": 4 }],
      [["--to-offset", "400"], { "orders-0": 5, "orders-1": 5 }],
      [["--shift-by", "-2"], { "orders-0": 1, "orders-1": 1 }],
      [["--shift-by", "-20"], { "orders-0": 0, "orders-1": 0 }],
      [["--shift-by", "1"], { "orders-0": 4, "orders-1": 4 }],
      [["--to-datetime", "2023-11-14T22:13:23.000Z"], { "orders-0": 2, "orders-1": 1 }],
      [["--to-datetime", "2099-01-01"], { "orders-0": 5, "orders-1": 5 }],
      [["--by-duration", "PT1H"], { "orders-0": 5, "orders-1": 5 }],
      [["--by-duration", "40000d"], { "orders-0": 0, "orders-1": 0 }],
    ];
    for (const [args, expected] of targets) {
      it(`${at(args)} moves to the right offsets`, async () => {
        await reset("mover", "-t", "orders", "--to-offset", "3", "--execute");
        const done = await reset("mover", "-t", "orders", ...args, "--execute");
        expect(done.exitCode, done.notes).to.equal(0);
        expect(await committed("mover")).to.deep.equal(expected);
      });
    }

    it("moves some partitions, and all topics that were committed", async () => {
      await reset("some", "-t", "orders", "--to-offset", "3", "--execute");
      await reset("some", "-t", "orders:1", "--to-earliest", "--execute");
      expect(await committed("some")).to.deep.equal({ "orders-0": 3, "orders-1": 0 });
      await reset("some", "--all-topics", "--to-latest", "--execute");
      expect(await committed("some")).to.deep.equal({ "orders-0": 5, "orders-1": 5 });
    });

    it("reads the file that it exports", async () => {
      const exported = await reset("exported", "-t", "orders", "--to-offset", "2", "--export");
      expect(exported.output).to.equal("orders,0,2\norders,1,2\n");
      const file = join(directory, "offsets.csv");
      writeFileSync(file, `# kept\n${exported.output}`);
      const done = await reset("exported", "--from-file", file, "--execute", "--json");
      expect(JSON.parse(done.output)).to.deep.equal([
        { topic: "orders", partition: 0, before: null, after: 2 },
        { topic: "orders", partition: 1, before: null, after: 2 },
      ]);
      expect(await committed("exported")).to.deep.equal({ "orders-0": 2, "orders-1": 2 });
    });

    const wrong: readonly [string[], string, number][] = [
      [["-t", "orders"], "Where to?", 2],
      [["-t", "orders", "--to-earliest", "--to-latest"], "more than one", 2],
      [["--to-earliest"], "Of which topics?", 2],
      [["-t", "orders", "--to-datetime", "tomorrow"], "--to-datetime tomorrow", 2],
      [["-t", "orders", "--by-duration", "long"], "--by-duration long", 2],
      [["-t", "orders", "--to-offset", "-1"], "--to-offset", 2],
      [["-t", "or ders", "--to-earliest"], "--topic or ders", 2],
      [["-t", "orders:7", "--to-earliest"], "no partition 7", 1],
      [["-t", "nowhere", "--to-earliest"], "There is no topic nowhere", 1],
      [["-t", "orders", "--shift-by", "1"], "nothing to shift", 1],
      [["--from-file", "/nowhere.csv"], "Cannot read /nowhere.csv", 1],
    ];
    for (const [args, message, exitCode] of wrong) {
      it(`${at(args)}: says what is wrong`, async () => {
        const outcome = await reset("nobody", ...args);
        expect(outcome.notes).to.contain(message);
        expect(outcome.exitCode).to.equal(exitCode);
      });
    }
  });

  describe("list and describe", () => {
    before(async () => {
      const { Kafka, logLevel } = kafkajs;
      const client = new Kafka({ brokers: [address()], clientId: "shop", logLevel: logLevel.NOTHING });
      live = client.consumer({ groupId: "live" });
      await live.connect();
      await live.subscribe({ topics: ["orders"], fromBeginning: true });
      const joined = new Promise(resolve => live!.on("consumer.group_join", resolve));
      await live.run({ autoCommit: false, eachMessage: async () => {} });
      await joined;
      await live.commitOffsets([{ topic: "orders", partition: 0, offset: "3" }]);
      await reset("idle", "-t", "orders:0", "--to-offset", "1", "--execute");
    });

    it("list shows type and state, and filters by them", async () => {
      const listed = await output("groups", "list");
      expect(listed.split("\n")[0]).to.match(/^group +type +protocol +state$/);
      expect(listed).to.match(/^live +classic +consumer +Stable$/m);
      expect(listed).to.match(/^idle +classic +Empty$/m);
      const stable = JSON.parse(await output("groups", "list", "--state", "stable", "--json"));
      expect(stable).to.deep.equal([{ group: "live", type: "classic", protocol: "consumer", state: "Stable" }]);
      expect(await output("groups", "list", "--type", "share")).to.equal("There are no such groups.\n");
    });

    it("describe shows positions, lag and who reads", async () => {
      const text = await output("groups", "describe", "live");
      expect(text).to.match(
        /^live {2}classic group, stable, 1 member, assignor RoundRobinAssigner, coordinator 1, lag 2$/m,
      );
      expect(text).to.match(
        /^ {2}orders +0 +3 +5 +2 +shop +127\.0\.0\.1|^ {2}orders +0 +3 +5 +2 +shop +\/127\.0\.0\.1/m,
      );
      expect(text).to.match(/^ {2}orders +1 +- +5 +- +shop /m);
      const members = await output("groups", "describe", "live", "--members");
      expect(members).to.match(/shop .* orders\(0,1\)$/m);
      const described = JSON.parse(await output("groups", "describe", "live", "--json"));
      expect(described).to.include({ group: "live", type: "classic", state: "Stable", coordinator: 1 });
      expect(described.members[0].assignment).to.deep.equal([{ topic: "orders", partitions: [0, 1] }]);
    });

    it("describe shows a group that nobody is in", async () => {
      const text = await output("groups", "describe", "idle");
      expect(text).to.match(/^idle {2}classic group, empty, 0 members, coordinator 1, lag 4$/m);
      expect(text).to.match(/^ {2}orders +0 +1 +5 +4 +- +- +-$/m);
      expect(await output("groups", "describe", "idle", "--members")).to.contain("It has no members.");
    });

    it("describe of one that is not there: fails with what to do", async () => {
      const outcome = await run("groups", "describe", "nobody");
      expect(outcome.exitCode).to.equal(1);
      expect(outcome.notes).to.equal(
        "samsa: There is no group nobody.\nsamsa groups list shows the groups there are.\n",
      );
    });

    it("neither moves nor deletes a group that has members", async () => {
      const moved = await reset("live", "-t", "orders", "--to-earliest", "--execute");
      expect([moved.exitCode, moved.notes]).to.deep.equal([1, moved.notes]);
      expect(moved.notes).to.contain("Group live has 1 member.");
      expect((await run("groups", "delete", "live", "--execute")).notes).to.contain("Group live has 1 member.");
    });
  });

  describe("delete", () => {
    it("deletes groups once told to execute", async () => {
      for (const group of ["gone-1", "gone-2"]) await reset(group, "-t", "orders", "--to-earliest", "--execute");
      const dry = await run("groups", "delete", "gone-1", "gone-2");
      expect(dry.output).to.equal("Would delete group gone-1.\nWould delete group gone-2.\n");
      expect(await output("groups", "list")).to.contain("gone-1");
      await output("groups", "delete", "gone-1", "gone-2", "--execute");
      expect(await output("groups", "list")).to.not.contain("gone-");
    });

    it("deletes what it can, and tells of the others", async () => {
      await reset("there", "-t", "orders", "--to-earliest", "--execute");
      const outcome = await run("groups", "delete", "nobody", "there", "--execute");
      expect(outcome.exitCode).to.equal(1);
      expect(outcome.output).to.equal("Deleted group there.\n");
      expect(outcome.notes).to.contain("There is no group nobody.");
    });
  });

  describe("cluster status", () => {
    it("shows nodes, quorum and partitions", async () => {
      const text = await output("cluster", "status");
      expect(text).to.match(/^cluster [\w-]{22} {2}1 node, \d+ topics, \d+ partitions$/m);
      expect(text).to.match(/^ {2}1 +127\.0\.0\.1:\d+ +- +alive +\d+ +\d+ +\d+ +0 +\S+ \S+ +\S+ \S+$/m);
      expect(text).to.match(/^quorum {2}leader 1, epoch \d+, high watermark \d+/m);
      expect(text).to.match(/^ {2}1 +leader +\d+ +0 +now$/m);
      expect(text).to.contain("all have a leader and all their replicas in sync");
    });

    it("prints the same for programs", async () => {
      const status = JSON.parse(await output("cluster", "status", "--json"));
      expect(status.clusterId).to.equal(broker.clusterId);
      expect(status.nodes[0]).to.include({ node: 1, fenced: false, leads: status.partitions.count });
      expect(status.quorum).to.include({ leader: 1 });
      expect(status.partitions).to.deep.include({ offline: [], underReplicated: [], notPreferred: [], moving: [] });
    });
  });
});

describe("the places that reset-offsets reads", () => {
  it("takes durations in ISO 8601 and in short", () => {
    expect(parseDuration("PT1H30M")).to.equal(5_400_000);
    expect(parseDuration("P2DT3S")).to.equal(172_803_000);
    expect(parseDuration("90m")).to.equal(5_400_000);
    expect(parseDuration("7d")).to.equal(604_800_000);
    for (const text of ["", "P", "PT", "5", "1w", "-1h"]) expect(() => parseDuration(text)).to.throw("--by-duration");
  });

  it("takes times with and without a zone", () => {
    expect(parseDatetime("2026-01-31T08:00:00Z")).to.equal(Date.UTC(2026, 0, 31, 8));
    expect(parseDatetime("2026-01-31T08:00:00.000")).to.equal(new Date(2026, 0, 31, 8).getTime());
    expect(() => parseDatetime("31.1.2026")).to.throw("--to-datetime");
  });

  it("takes topics with and without partitions", () => {
    expect(parseTopicPartitions("a.b")).to.deep.equal({ topic: "a.b", partitions: null });
    expect(parseTopicPartitions("a:0,12")).to.deep.equal({ topic: "a", partitions: [0, 12] });
    expect(() => parseTopicPartitions("a:b")).to.throw("--topic");
  });
});
