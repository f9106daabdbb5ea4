import { expect } from "chai";
import { memoryLogger } from "../../src/logging/index.ts";
import type { MetadataDelta } from "../../src/metadata/delta.ts";
import type { MetadataImage } from "../../src/metadata/image.ts";
import { MetadataStore } from "../../src/metadata/metadata-store.ts";
import { type MetadataRecord, metadataRecordCodec, record } from "../../src/metadata/records.ts";
import { SimulatedTime } from "../../src/platform/memory-time.ts";
import { uuidOf } from "./support/controller-fixture.ts";
import { imageFromRecords, plain } from "./support/kafka-metadata.ts";
import { MemoryLog } from "./support/memory-log.ts";

const topic = (name: string, id: number) => record("TopicRecord", 0, { name, topicId: uuidOf(id) });
const removal = (id: number) => record("RemoveTopicRecord", 0, { topicId: uuidOf(id) });
const begin = record("BeginTransactionRecord", 0, { name: null });
const end = record("EndTransactionRecord", 0, {});
const abort = record("AbortTransactionRecord", 0, { reason: null });

class StoreFixture {
  readonly time = new SimulatedTime();
  readonly log = new MemoryLog(this.time);
  readonly store = new MetadataStore({ log: this.log, logger: memoryLogger() });
  readonly told: { image: MetadataImage; delta: MetadataDelta }[] = [];

  async start(): Promise<this> {
    this.store.subscribe((image, delta) => this.told.push({ image, delta }));
    this.store.start();
    await this.time.advance(1);
    return this;
  }

  /** Appends and commits one batch. */
  async commit(...records: MetadataRecord[]): Promise<void> {
    this.log.append(this.log.epoch, records.map(metadataRecordCodec.encode));
    await this.time.advance(1);
  }

  get topics(): string[] {
    return [...this.store.image.topics.byName.keys()].sort();
  }
}

describe("MetadataStore", () => {
  it("tells every change once, with the image before and after", async () => {
    const fixture = await new StoreFixture().start();
    await fixture.commit(topic("a", 1));
    await fixture.commit(topic("b", 2), removal(1));
    const [first, second] = fixture.told.map(({ delta }) => delta.topics);
    expect([...first!.values()].map(({ name, before }) => [name, before])).to.deep.equal([["a", null]]);
    expect([...second!.values()].map(({ name, after }) => [name, after === null])).to.deep.equal([
      ["a", true],
      ["b", false],
    ]);
    expect(fixture.topics).to.deep.equal(["b"]);
    expect(fixture.store.image.offset).to.equal(2);
  });

  it("tells of a topic that was deleted and created again under both ids", async () => {
    const fixture = await new StoreFixture().start();
    await fixture.commit(topic("a", 1));
    await fixture.commit(removal(1), topic("a", 2));
    expect([...fixture.told.at(-1)!.delta.topics.keys()]).to.have.members([uuidOf(1), uuidOf(2)]);
    expect(fixture.store.image.topics.byName.get("a")?.id).to.equal(uuidOf(2));
  });

  it("says nothing of topics that came and went before it started", async () => {
    const fixture = new StoreFixture();
    await fixture.commit(topic("gone", 1));
    await fixture.commit(removal(1));
    await fixture.commit(topic("here", 2));
    await fixture.start();
    expect(fixture.told).to.have.length(1);
    expect([...fixture.told[0]!.delta.topics.values()].map(({ name }) => name)).to.deep.equal(["here"]);
  });

  it("shows a transaction only once it has ended", async () => {
    const fixture = await new StoreFixture().start();
    await fixture.commit(topic("a", 1), begin, topic("b", 2));
    expect(fixture.topics).to.deep.equal(["a"]);
    expect(fixture.store.snapshotImage()).to.equal(null);
    await fixture.commit(topic("c", 3));
    expect(fixture.topics).to.deep.equal(["a"]);
    await fixture.commit(end, topic("d", 4));
    expect(fixture.topics).to.deep.equal(["a", "b", "c", "d"]);
    expect(fixture.store.image.offset).to.equal(5);
  });

  it("forgets a transaction that was aborted", async () => {
    const fixture = await new StoreFixture().start();
    await fixture.commit(topic("a", 1));
    await fixture.commit(begin, topic("b", 2));
    await fixture.commit(abort, topic("c", 3));
    expect(fixture.topics).to.deep.equal(["a", "c"]);
    expect([...fixture.told.at(-1)!.delta.topics.values()].map(({ name }) => name)).to.deep.equal(["c"]);
  });

  it("lets callers wait for an offset", async () => {
    const fixture = await new StoreFixture().start();
    let isDone = false;
    void fixture.store.waitFor(1).then(() => {
      isDone = true;
    });
    await fixture.commit(topic("a", 1));
    expect(isDone).to.equal(false);
    await fixture.commit(topic("b", 2));
    expect(isDone).to.equal(true);
    await fixture.store.waitFor(0);
  });

  it("rejects those who wait when it stops", async () => {
    const fixture = await new StoreFixture().start();
    const outcome = fixture.store.waitFor(10).then(
      () => "done",
      () => "rejected",
    );
    fixture.store.stop();
    expect(await outcome).to.equal("rejected");
  });

  it("tells the difference to a snapshot that replaces everything", async () => {
    const fixture = await new StoreFixture().start();
    await fixture.commit(topic("a", 1), topic("b", 2));
    const snapshot = {
      id: { endOffset: 40, epoch: 3 },
      lastContainedLogTimeMs: 5,
      batches: () => [[topic("b", 2), topic("c", 3)].map(metadataRecordCodec.encode)],
    };
    fixture.log.installSnapshot(snapshot);
    const changes = [...fixture.told.at(-1)!.delta.topics.values()];
    expect(changes.map(({ name, before, after }) => [name, before !== null, after !== null])).to.deep.equal([
      ["a", true, false],
      ["c", false, true],
    ]);
    expect(fixture.store.image).to.include({ offset: 39, epoch: 3 });
  });

  it("gives its image as a snapshot, in slices", async () => {
    const fixture = await new StoreFixture().start();
    await fixture.commit(...Array.from({ length: 1200 }, (_, index) => topic(`topic-${index}`, index)));
    const snapshot = fixture.store.snapshotImage()!;
    expect(snapshot.id).to.deep.equal({ endOffset: 1200, epoch: 1 });
    const slices = [...snapshot.batches()];
    expect(slices.map(({ length }) => length)).to.deep.equal([500, 500, 200]);
    const copy = imageFromRecords(slices.flat().map(metadataRecordCodec.decode));
    expect(plain(copy)).to.deep.equal(plain(fixture.store.image));
  });
});
