import { expect } from "chai";
import { snapshotRecords } from "../../src/metadata/snapshot.ts";
import {
  imageFromRecords,
  imageOf,
  kafkaMetadataBatches,
  kafkaSnapshotRecords,
  manifest,
  plain,
} from "./support/kafka-metadata.ts";

describe("metadata of Apache Kafka 4.3.1", () => {
  for (const which of ["clean", "unclean"] as const) {
    describe(`the ${which} directory`, () => {
      const image = imageOf(kafkaMetadataBatches(which));

      it("has the topics, ids and partitions of the manifest", () => {
        const expected = new Map<string, { id: string; partitions: number }>();
        for (const { topic, topicId } of manifest(which).partitions) {
          const partitions = (expected.get(topic)?.partitions ?? 0) + 1;
          expected.set(topic, { id: topicId, partitions });
        }
        const actual = new Map(
          [...image.topics.byName].map(([name, { id, partitions }]) => [name, { id, partitions: partitions.length }]),
        );
        expect(actual).to.deep.equal(expected);
      });

      it("gives the same image from a snapshot of it", () => {
        const copy = imageFromRecords(snapshotRecords(image));
        expect(plain(copy)).to.deep.equal(plain(image));
      });
    });
  }

  for (const [name, endOffset] of [
    ["00000000000000000113-0000000001.checkpoint", 113],
    ["00000000000000000196-0000000001.checkpoint", 196],
    ["00000000000000000308-0000000001.checkpoint", 308],
  ] as const) {
    it(`is at offset ${endOffset} what Kafka's snapshot says`, () => {
      const replayed = imageOf(kafkaMetadataBatches("clean"), endOffset);
      expect(plain(replayed)).to.deep.equal(plain(imageFromRecords(kafkaSnapshotRecords(name))));
    });

    it(`is written at offset ${endOffset} with the records of Kafka's snapshot`, () => {
      const ours = [...snapshotRecords(imageOf(kafkaMetadataBatches("clean"), endOffset))];
      const texts = (records: Iterable<unknown>) => [...records].map(sortedText).sort();
      expect(texts(ours)).to.deep.equal(texts(kafkaSnapshotRecords(name)));
    });
  }

  it("finalizes the features of the manifest", () => {
    const image = imageOf(kafkaMetadataBatches("clean"));
    // The level of kraft.version stands in control records.
    const expected = manifest("clean").finalizedFeatures.filter(({ name }) => name !== "kraft.version");
    expect([...image.features].map(([name, level]) => ({ name, level }))).to.have.deep.members(expected);
  });
});

/** Lists that mean sets, such as supported features, are compared as sets. */
function sortedText(value: unknown): string {
  return JSON.stringify(value, (key, item) =>
    key === "features" && Array.isArray(item) ? [...item].sort((a, b) => (a.name < b.name ? -1 : 1)) : item,
  );
}
