import { expect } from "chai";
import { BrokerProcess } from "../support/broker-process.ts";
import { hasKcat, kcat, kcatWithInput, readTopicWithKcat } from "../support/kcat.ts";

describe("kcat (librdkafka) against Samsa", function () {
  this.timeout(60_000);
  let broker: BrokerProcess;

  before(async function () {
    if (!hasKcat) {
      if (process.env.TEST_REQUIRE_CLIENTS === "1") throw new Error("kcat is not installed");
      console.log("      skipped: kcat is not installed");
      this.skip();
    }
    broker = await BrokerProcess.start();
  });

  after(async () => {
    await broker?.stop();
    await broker?.dispose();
  });

  it("lists the broker and its topics", async () => {
    await kcatWithInput("a\n", "-P", "-b", broker.address, "-t", "listed");
    const metadata = JSON.parse(await kcat("-L", "-J", "-b", broker.address));
    expect(metadata.brokers).to.deep.equal([{ id: 1, name: broker.address }]);
    const topic = metadata.topics.find((entry: { topic: string }) => entry.topic === "listed");
    expect(topic.partitions).to.deep.equal([{ partition: 0, leader: 1, replicas: [{ id: 1 }], isrs: [{ id: 1 }] }]);
  });

  for (const codec of ["none", "gzip", "snappy", "lz4", "zstd"]) {
    for (const acks of ["0", "1", "all"]) {
      it(`reads back what it produced with codec ${codec} and acks=${acks}`, async () => {
        const topic = `kcat-${codec}-${acks}`;
        const rows = Array.from({ length: 2000 }, (_, index) => ({
          key: `key ${index}`,
          value: `value ${index} größe`,
        }));
        const input = rows.map(row => `${row.key}\t${row.value}\n`).join("");
        await kcatWithInput(
          input,
          "-P",
          "-b",
          broker.address,
          "-t",
          topic,
          "-p",
          "0",
          "-K",
          "\t",
          "-z",
          codec,
          "-X",
          `acks=${acks}`,
        );
        const read = await readTopicWithKcat(broker.address, topic);
        expect(read.map(({ key, value }) => ({ key, value }))).to.deep.equal(rows);
      });
    }
  }

  it("keeps headers, timestamps, empty and null keys and values", async () => {
    const options = ["-b", broker.address, "-t", "headed"];
    await kcatWithInput("v\n", "-P", ...options, "-k", "k", "-H", "a=1", "-H", "b=zwei");
    await kcatWithInput(":\n", "-P", ...options, "-K", ":", "-Z");
    const [first, second] = (await kcat("-C", "-q", "-e", ...options, "-f", "%K|%k|%S|%s|%h|%T\\n")).trim().split("\n");
    expect(first).to.match(/^1\|k\|1\|v\|a=1,b=zwei\|\d{13}$/);
    expect(second).to.match(/^-1\|\|-1\|\|\|\d{13}$/);
  });

  it("produces idempotently", async () => {
    const input = Array.from({ length: 5000 }, (_, index) => `${index}\n`).join("");
    const options = ["-b", broker.address, "-t", "idempotent"];
    await kcatWithInput(input, "-P", ...options, "-X", "enable.idempotence=true", "-X", "batch.num.messages=100");
    const read = await readTopicWithKcat(broker.address, "idempotent");
    expect(read.map(record => Number(record.value))).to.deep.equal(Array.from({ length: 5000 }, (_, index) => index));
  });

  it("finds offsets by timestamp", async () => {
    const options = ["-b", broker.address, "-t", "timed"];
    await kcatWithInput("first\n", "-P", ...options);
    const [, timestamp] = (await kcat("-C", "-q", "-e", ...options, "-f", "%o %T\\n")).trim().split(" ");
    expect(await kcat("-Q", "-b", broker.address, "-t", `timed:0:${timestamp}`)).to.contain("offset 0");
    expect(await kcat("-Q", "-b", broker.address, "-t", "timed:0:-1")).to.contain("offset 1");
    expect(await kcat("-Q", "-b", broker.address, "-t", "timed:0:-2")).to.contain("offset 0");
  });

  it("waits at the end of a partition and gets a new record at once", async () => {
    const options = ["-b", broker.address, "-t", "tailed"];
    await kcatWithInput("before\n", "-P", ...options);
    const following = kcat("-C", "-q", "-c", "1", "-o", "end", ...options, "-X", "fetch.wait.max.ms=20000");
    // The consumer says nothing when it has reached the end, so records are sent until it has seen one.
    let isDone = false;
    const watching = following.finally(() => {
      isDone = true;
    });
    while (!isDone) await Promise.race([watching, kcatWithInput("after\n", "-P", ...options)]);
    expect(await following).to.equal("after\n");
  });
});
