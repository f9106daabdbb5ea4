import { expect } from "chai";
import { metadataRecordCodec } from "../../../src/metadata/records.ts";
import { ControllerFixture, createTopic } from "../support/controller-fixture.ts";

const INTERVAL_MS = 500;

/** The types of the records from an offset on. */
function typesFrom(fixture: ControllerFixture, offset: number): string[] {
  return fixture.log.batches
    .filter(({ baseOffset }) => baseOffset >= offset)
    .flatMap(({ records }) => records.map(value => metadataRecordCodec.decode(value).type));
}

describe("an active controller with nothing to write", () => {
  const start = (intervalMs = INTERVAL_MS) =>
    ControllerFixture.start({ config: { "metadata.max.idle.interval.ms": String(intervalMs) } });

  it("writes a no-op record every metadata.max.idle.interval.ms, which moves the high watermark and the image's offset", async () => {
    const fixture = await start();
    const endOffset = fixture.log.logEndOffset;
    await fixture.time.advance(3 * INTERVAL_MS + 10);
    expect(typesFrom(fixture, endOffset)).to.deep.equal(["NoOpRecord", "NoOpRecord", "NoOpRecord"]);
    expect(fixture.log.highWatermark).to.equal(endOffset + 3);
    expect(fixture.image.offset).to.equal(endOffset + 2);
  });

  it("writes none while other records follow each other faster", async () => {
    const fixture = await start();
    const endOffset = fixture.log.logEndOffset;
    for (let count = 0; count < 5; count++) {
      await fixture.time.advance(INTERVAL_MS - 100);
      await createTopic(fixture, `topic-${count}`);
    }
    expect(typesFrom(fixture, endOffset)).not.to.include("NoOpRecord");
    const quietFrom = fixture.log.logEndOffset;
    await fixture.time.advance(INTERVAL_MS - 10);
    expect(typesFrom(fixture, quietFrom)).to.deep.equal([]);
    await fixture.time.advance(20);
    expect(typesFrom(fixture, quietFrom)).to.deep.equal(["NoOpRecord"]);
  });

  it("writes none at 0, and none once it is stopped", async () => {
    const silent = await start(0);
    const stopped = await start();
    stopped.controller.stop();
    for (const fixture of [silent, stopped]) {
      const endOffset = fixture.log.logEndOffset;
      await fixture.time.advance(10 * INTERVAL_MS);
      expect(fixture.log.logEndOffset).to.equal(endOffset);
    }
  });

  it("makes no fuss about one that was not committed before it ceased to lead", async () => {
    const fixture = await start();
    fixture.log.commits = false;
    await fixture.time.advance(2 * INTERVAL_MS);
    fixture.log.loseLeadership();
    await fixture.time.advance(INTERVAL_MS);
    expect(fixture.logger.entries.map(({ event }) => event)).not.to.include("controller.task-failed");
  });
});
