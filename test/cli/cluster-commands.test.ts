import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { Broker } from "../../src/broker.ts";
import { BrokerConfig } from "../../src/config/index.ts";
import { nullLogger } from "../../src/logging/index.ts";
import { createNodePlatform } from "../../src/platform/node.ts";
import { type RunOptions, type RunOutcome, samsa } from "./support/samsa.ts";

describe("samsa commands against a broker", () => {
  let directory: string;
  let broker: Broker;

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), "samsa-cli-"));
    const config = BrokerConfig.load({ overrides: { listeners: "PLAINTEXT://127.0.0.1:0", "log.dirs": directory } });
    broker = new Broker({ config }, { platform: createNodePlatform(), logger: nullLogger });
    await broker.start();
  });

  after(async () => {
    await broker.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  function run(args: readonly string[], options?: RunOptions): Promise<RunOutcome> {
    return samsa([...args, "-b", `127.0.0.1:${broker.address.port}`, "--timeout", "5000"], options);
  }

  async function output(args: readonly string[], options?: RunOptions): Promise<string> {
    const outcome = await run(args, options);
    expect(outcome.exitCode, outcome.notes).to.equal(0);
    return outcome.output;
  }

  describe("topics", () => {
    it("create, list, describe, alter and delete a topic", async () => {
      expect(await output(["topics", "create", "orders", "-p", "3", "-c", "retention.ms=60000"])).to.equal(
        "Created topic orders with 3 partitions, replication factor 1.\n",
      );
      expect((await output(["topics", "list"])).split("\n")).to.include("orders");
      const [described] = JSON.parse(await output(["topics", "describe", "orders", "--offsets", "--json"]));
      expect(described).to.deep.include({
        topic: "orders",
        internal: false,
        replicationFactor: 1,
        configs: { "retention.ms": "60000" },
      });
      expect(described.partitions[2]).to.deep.equal({
        partition: 2,
        leader: 1,
        replicas: [1],
        isr: [1],
        start: 0,
        end: 0,
      });
      expect(await output(["topics", "describe", "orders"])).to.contain("retention.ms=60000");
      expect(await output(["topics", "reassign", "orders", "--brokers", "1", "--wait"])).to.equal(
        "Moved 3 partitions of topic orders.\n",
      );
      const unknown = await run(["topics", "reassign", "orders", "-p", "1", "--replicas", "1,9"]);
      expect(unknown.exitCode).to.equal(1);
      expect(unknown.notes).to.contain("no such broker is registered").and.contain("INVALID_REPLICA_ASSIGNMENT");
      await output(["topics", "alter", "orders", "-p", "4", "-c", "segment.ms=5000", "-d", "retention.ms"]);
      const [altered] = JSON.parse(await output(["topics", "describe", "orders", "--json"]));
      expect([altered.partitions.length, altered.configs]).to.deep.equal([4, { "segment.ms": "5000" }]);
      await output(["topics", "delete", "orders"]);
      expect((await output(["topics", "list"])).split("\n")).to.not.include("orders");
    });

    it("create one that is there: fails, unless told that this is fine", async () => {
      await output(["topics", "create", "twice"]);
      const again = await run(["topics", "create", "twice"]);
      expect([again.exitCode, again.notes]).to.deep.equal([1, again.notes]);
      expect(again.notes).to.contain("TOPIC_ALREADY_EXISTS").and.contain("--if-not-exists");
      expect(await output(["topics", "create", "twice", "--if-not-exists"])).to.equal(
        "Topic twice is there already.\n",
      );
    });

    it("create with a bad setting or name: says which, and nothing is created", async () => {
      expect((await run(["topics", "create", "bad", "-c", "retention.ms=soon"])).notes).to.contain("retention.ms");
      expect((await run(["topics", "create", "a/b"])).notes).to.contain("INVALID_TOPIC_EXCEPTION");
      expect((await output(["topics", "list"])).split("\n")).to.not.include("bad");
    });

    it("--validate-only: nothing is created", async () => {
      await output(["topics", "create", "maybe", "--validate-only"]);
      expect((await output(["topics", "list"])).split("\n")).to.not.include("maybe");
    });

    it("delete and describe one that is not there: fail with what to do", async () => {
      expect((await run(["topics", "delete", "nowhere"])).notes).to.contain("Cannot delete topic nowhere");
      await output(["topics", "delete", "nowhere", "--if-exists"]);
      expect((await run(["topics", "describe", "nowhere"])).notes)
        .to.contain("There is no topic nowhere")
        .and.contain("samsa topics create nowhere");
    });
  });

  describe("configs", () => {
    it("set, show, append to and take away a topic's settings", async () => {
      await output(["topics", "create", "settings"]);
      expect(await output(["configs", "describe", "topic", "settings"])).to.contain("Nothing is set");
      await output([
        "configs",
        "alter",
        "topic",
        "settings",
        "--set",
        "retention.ms=5000",
        "--append",
        "cleanup.policy=compact",
      ]);
      const shown = JSON.parse(await output(["configs", "describe", "topic", "settings", "--json"])) as {
        name: string;
        value: string;
        source: string;
      }[];
      expect(shown.map(({ name, value, source }) => [name, value, source])).to.deep.equal([
        ["cleanup.policy", "delete,compact", "topic"],
        ["retention.ms", "5000", "topic"],
      ]);
      await output([
        "configs",
        "alter",
        "topic",
        "settings",
        "--delete",
        "retention.ms",
        "--subtract",
        "cleanup.policy=delete",
      ]);
      expect(await output(["configs", "describe", "topic", "settings"]))
        .to.match(/cleanup\.policy +compact +topic/)
        .and.not.contain("retention.ms");
    });

    it("a refused change: changes nothing of the same command", async () => {
      await output(["topics", "create", "steady"]);
      const refused = await run([
        "configs",
        "alter",
        "topic",
        "steady",
        "--set",
        "segment.ms=5000",
        "--set",
        "retention.ms=soon",
      ]);
      expect([refused.exitCode, refused.notes]).to.deep.equal([1, refused.notes]);
      expect(refused.notes).to.contain("INVALID_CONFIG");
      expect(await output(["configs", "describe", "topic", "steady"])).to.contain("Nothing is set");
    });

    it("brokers: one broker's setting wins over that of all", async () => {
      await output(["configs", "alter", "brokers", "--set", "message.max.bytes=2000000"]);
      await output(["configs", "alter", "broker", "1", "--set", "message.max.bytes=3000000"]);
      expect(await output(["configs", "describe", "broker", "1", "--key", "message.max.bytes"])).to.match(
        /message\.max\.bytes +3000000 +broker, dynamic/,
      );
      expect(await output(["configs", "describe", "brokers"])).to.match(/message\.max\.bytes +2000000/);
      await output(["configs", "alter", "broker", "1", "--delete", "message.max.bytes"]);
      await output(["configs", "alter", "brokers", "--delete", "message.max.bytes"]);
    });

    it("--all and --documentation: every key, with its meaning", async () => {
      const all = await output(["configs", "describe", "topic", "settings", "--all", "--documentation"]);
      expect(all).to.match(/segment\.bytes +1073741824 +default +Size at which a segment is closed\./);
    });

    it("an unknown key to show: refused as wrong usage", async () => {
      expect(await run(["configs", "describe", "topic", "settings", "--key", "retention"])).to.deep.include({
        exitCode: 2,
      });
    });
  });

  describe("produce and consume", () => {
    it("lines with keys: each key in one partition, in order", async () => {
      await output(["topics", "create", "keyed", "-p", "4"]);
      const lines = Array.from({ length: 100 }, (_, index) => `key-${index % 10}:${index}`);
      const produced = await run(["produce", "keyed", "-K", ":"], { input: `${lines.join("\n")}\n` });
      expect(produced.notes).to.match(/^Produced 100 records/);
      const consumed = (
        await output(["consume", "keyed", "--from", "earliest", "-e", "--print", "partition,key,value"])
      )
        .trim()
        .split("\n");
      const byKey = new Map<string, { partitions: Set<string>; values: number[] }>();
      for (const line of consumed) {
        const [partition, key, value] = line.split("\t") as [string, string, string];
        const entry = byKey.get(key) ?? { partitions: new Set<string>(), values: [] };
        byKey.set(key, entry);
        entry.partitions.add(partition);
        entry.values.push(Number(value));
      }
      expect(byKey.size).to.equal(10);
      for (const [key, { partitions, values }] of byKey) {
        expect(partitions.size, key).to.equal(1);
        expect(values, key).to.deep.equal(Array.from({ length: 10 }, (_, index) => index * 10 + Number(key.slice(4))));
      }
    });

    for (const codec of ["none", "gzip", "snappy", "lz4", "zstd"]) {
      it(`JSON with ${codec}: comes back as it went, headers, tombstones and timestamps too`, async () => {
        const topic = `json-${codec}`;
        const records = [
          {
            key: "k",
            value: "größe",
            headers: [
              ["h", "1"],
              ["n", null],
            ],
            timestamp: 1_700_000_000_000,
          },
          { key: "k", value: null, timestamp: 1_700_000_000_001 },
          { key: null, value: "", timestamp: 1_700_000_000_002 },
        ];
        await output(["produce", topic, "--json", "-z", codec, "-p", "0"], {
          input: records.map(record => JSON.stringify(record)).join("\n"),
        });
        const lines = (await output(["consume", topic, "--from-beginning", "-e", "--json"])).trim().split("\n");
        expect(lines.map(line => JSON.parse(line))).to.deep.equal(
          records.map((record, offset) => ({ topic, partition: 0, offset, ...record })),
        );
      });
    }

    it("values as arguments, with key, headers and partition", async () => {
      await output(["topics", "create", "values", "-p", "2"]);
      await output(["produce", "values", "hello", "world", "-k", "me", "-H", "a=b", "-p", "1"]);
      const printed = await output([
        "consume",
        "values",
        "--from",
        "earliest",
        "-e",
        "--print",
        "partition,offset,key,value,headers",
        "-S",
        "|",
      ]);
      expect(printed).to.equal("1|0|me|hello|a=b\n1|1|me|world|a=b\n");
    });

    for (const acks of ["0", "1", "all"]) {
      it(`acks=${acks}: all records are there afterwards`, async () => {
        await output(["produce", `acks-${acks}`, "a", "b", "c", "--acks", acks]);
        expect(await output(["consume", `acks-${acks}`, "--from", "earliest", "-n", "3"])).to.equal("a\nb\nc\n");
      });
    }

    it("--from and --to: by offset, from the end, by time", async () => {
      const lines = Array.from({ length: 10 }, (_, index) =>
        JSON.stringify({ value: String(index), timestamp: 1_700_000_000_000 + index * 1000 }),
      );
      await output(["produce", "places", "--json"], { input: lines.join("\n") });
      const read = async (...args: string[]): Promise<string> =>
        (await output(["consume", "places", ...args])).trim().split("\n").join("");
      expect(await read("--from", "3", "--to", "6")).to.equal("345");
      expect(await read("--from=-2", "-e")).to.equal("89");
      expect(await read("--from", "@1700000004500", "--to", "2023-11-14T22:13:27Z")).to.equal("56");
      expect(await read("--from", "earliest", "-n", "4")).to.equal("0123");
      expect(await read("--from", "@1800000000000", "-e")).to.equal("");
    });

    it("an offset out of range: fails and says so", async () => {
      const outcome = await run(["consume", "places", "--from", "999", "-n", "1"]);
      expect([outcome.exitCode, outcome.notes]).to.deep.equal([1, outcome.notes]);
      expect(outcome.notes).to.contain("Cannot read places-0 at offset 999").and.contain("OFFSET_OUT_OF_RANGE");
    });

    it("consume waits for records and ends when it is told to stop", async () => {
      await output(["topics", "create", "live"]);
      const stop = new AbortController();
      const consuming = run(["consume", "live", "--from", "earliest"], {
        stop: stop.signal,
        onOutput: text => text.includes("two") && stop.abort(),
      });
      await output(["produce", "live", "one"]);
      await output(["produce", "live", "two"]);
      expect((await consuming).output).to.equal("one\ntwo\n");
    });

    it("a line that cannot be read: says which, and that the ones before were sent", async () => {
      await output(["topics", "create", "partly"]);
      const input = `${Array.from({ length: 3 }, () => '{"value":"v"}').join("\n")}\nnot json\n`;
      const outcome = await run(["produce", "partly", "--json"], { input });
      expect(outcome).to.deep.include({ exitCode: 1 });
      expect(outcome.notes).to.contain("Line 4: not JSON");
    });

    it("produce ends when it is told to stop, with what it had read so far sent", async () => {
      const stop = new AbortController();
      async function* input(): AsyncGenerator<string> {
        yield "one\ntwo\n";
        setTimeout(() => stop.abort(), 50);
        await new Promise(() => {});
      }
      const outcome = await run(["produce", "stopped"], { input: input(), stop: stop.signal });
      expect([outcome.exitCode, outcome.notes]).to.deep.equal([0, outcome.notes]);
      expect(await output(["consume", "stopped", "--from", "earliest", "-e"])).to.equal("one\ntwo\n");
    });

    it("a broker that stops in the middle: fails, and says how many records were acknowledged", async () => {
      const data = mkdtempSync(join(tmpdir(), "samsa-cli-"));
      const config = BrokerConfig.load({ overrides: { listeners: "PLAINTEXT://127.0.0.1:0", "log.dirs": data } });
      const doomed = new Broker({ config }, { platform: createNodePlatform(), logger: nullLogger });
      await doomed.start();
      const { port } = doomed.address;
      async function* input(): AsyncGenerator<string> {
        yield "one\ntwo\n";
        await new Promise(resolve => setTimeout(resolve, 200));
        await doomed.stop();
        yield "three\n";
      }
      const outcome = await samsa(["produce", "t", "-b", `127.0.0.1:${port}`, "--timeout", "500"], { input: input() });
      rmSync(data, { recursive: true, force: true });
      expect([outcome.exitCode, outcome.output]).to.deep.equal([1, ""]);
      expect(outcome.notes)
        .to.contain(`Cannot reach the cluster at 127.0.0.1:${port}`)
        .and.contain("2 records had been acknowledged before.");
    });

    it("a broker that may not create topics: says that the topic is not there", async () => {
      const data = mkdtempSync(join(tmpdir(), "samsa-cli-"));
      const overrides = {
        listeners: "PLAINTEXT://127.0.0.1:0",
        "log.dirs": data,
        "auto.create.topics.enable": "false",
      };
      const strict = new Broker(
        { config: BrokerConfig.load({ overrides }) },
        { platform: createNodePlatform(), logger: nullLogger },
      );
      await strict.start();
      const outcome = await samsa(["produce", "t", "v", "-b", `127.0.0.1:${strict.address.port}`, "--timeout", "300"]);
      await strict.stop();
      rmSync(data, { recursive: true, force: true });
      expect([outcome.exitCode, outcome.notes]).to.deep.equal([
        1,
        "samsa: There is no topic t.\nsamsa topics create t makes it; samsa topics list shows those there are.\n",
      ]);
    });

    it("a topic that is not there, not to be created: fails; a partition that is not there, too", async () => {
      expect((await run(["produce", "nowhere", "v", "--no-create"])).notes).to.contain("There is no topic nowhere");
      expect((await run(["produce", "values", "v", "-p", "7"])).notes).to.contain("partition 7 of values");
    });
  });
});
