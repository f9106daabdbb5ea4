import { expect } from "chai";
import {
  BatchBuilder,
  BatchSummary,
  CODEC,
  type CodecName,
  type DecodedBatch,
  decodeBatches,
  decodeControlRecord,
  emptyBatch,
  RecordCursor,
  type ValidateOptions,
  validateProduced,
} from "../../../protocol/records/index.ts";
import { invalidVectors, type Vector, type VectorBatch, validVectors, vectors } from "./vectors.ts";

/** Kafka's reader takes these and ours does not. Mirrored, with reasons, in docs/stricter-than-kafka.md. */
const STRICTER_READER: Record<string, string> = {
  "none very large offset": "offset above 2^53",
  "gzip very large offset": "offset above 2^53",
  "snappy very large offset": "offset above 2^53",
  "lz4 very large offset": "offset above 2^53",
  "zstd very large offset": "offset above 2^53",
  "count zero with records": "bytes after the records",
  "last offset delta too small": "record after the last offset",
  "last offset delta negative": "last offset before the base offset",
  "base offset negative": "negative offset",
  "offset deltas not rising": "offsets repeat",
};

/** A running Kafka answered the first code and we answer the second, where it is not the same. */
const STRICTER_PRODUCE: Record<string, readonly [kafka: string, samsa: string]> = {
  "length huge": ["UNKNOWN_SERVER_ERROR", "INVALID_RECORD"],
  "codec 5": ["UNKNOWN_SERVER_ERROR", "INVALID_RECORD"],
  "codec 6": ["UNKNOWN_SERVER_ERROR", "INVALID_RECORD"],
  "codec 7": ["UNKNOWN_SERVER_ERROR", "INVALID_RECORD"],
  "codec gzip but not compressed": ["UNKNOWN_SERVER_ERROR", "INVALID_RECORD"],
  "codec snappy but not compressed": ["UNKNOWN_SERVER_ERROR", "INVALID_RECORD"],
  "codec lz4 but not compressed": ["UNKNOWN_SERVER_ERROR", "INVALID_RECORD"],
  "codec zstd but not compressed": ["UNKNOWN_SERVER_ERROR", "INVALID_RECORD"],
  "gzip payload damaged, crc right": ["UNKNOWN_SERVER_ERROR", "INVALID_RECORD"],
  "gzip payload cut, crc right": ["UNKNOWN_SERVER_ERROR", "INVALID_RECORD"],
  "varint too long": ["UNKNOWN_SERVER_ERROR", "INVALID_RECORD"],
  "offset deltas not rising": ["NONE", "INVALID_RECORD"],
};

/** Answers that a broker gives before or after it looks at the batch: missing transaction state, authorisation. */
const NOT_OF_THE_BATCH = new Set(["NOT_ENOUGH_REPLICAS", "TRANSACTIONAL_ID_AUTHORIZATION_FAILED"]);

const ERROR_NAMES: Record<number, string> = { 2: "CORRUPT_MESSAGE", 32: "INVALID_TIMESTAMP", 87: "INVALID_RECORD" };

const produceOptions: ValidateOptions = {
  origin: "client",
  topicCompacted: false,
  timestampType: "CreateTime",
  messageTimestampBeforeMaxMs: Number.MAX_SAFE_INTEGER,
  messageTimestampAfterMaxMs: 3_600_000,
  nowMs: 1_780_000_000_000,
};

describe("record batches of Kafka", () => {
  describe("valid ones", () => {
    for (const vector of validVectors) {
      if (vector.name in STRICTER_READER) {
        it(`"${vector.name}" is refused as a stricter case`, () => {
          expect(() => decodeBatches(vector.bytes)).to.throw();
        });
        continue;
      }
      it(`"${vector.name}" decodes to what Kafka decodes`, () => {
        const { batches, leftOverBytes } = decodeBatches(vector.bytes);
        expect(leftOverBytes).to.equal(0);
        expect(batches.map(asVector)).to.deep.equal(vector.batches);
      });
    }

    for (const vector of validVectors.filter(isRebuildable)) {
      it(`"${vector.name}" is built again to the same bytes`, () => {
        const { batches } = decodeBatches(vector.bytes);
        const rebuilt = Buffer.concat(rebuild(batches as DecodedBatch[], vector.bytes));
        expect(rebuilt.toString("hex")).to.equal(vector.bytes.toString("hex"));
      });
    }
  });

  describe("invalid ones", () => {
    for (const vector of invalidVectors) {
      const isAccepted = vector.kafkaStage === "accepted by the reader" && !(vector.name in STRICTER_READER);
      it(`"${vector.name}" is ${isAccepted ? "read" : "refused"} by the reader (Kafka: ${vector.kafkaStage})`, () => {
        expect(readerAccepts(vector)).to.equal(isAccepted);
      });
    }
  });

  describe("produced", () => {
    for (const vector of vectors) {
      const kafka = vector.produceV11.error;
      it(`"${vector.name}" is answered as Kafka does: ${STRICTER_PRODUCE[vector.name]?.[1] ?? kafka}`, () => {
        const before = Buffer.from(vector.bytes);
        const fault = validateProduced(vector.bytes, produceOptions, new BatchSummary());
        const ours = fault === null ? "NONE" : ERROR_NAMES[fault.code];
        expect(vector.bytes.equals(before), "nothing is changed").to.equal(true);
        if (vector.name in STRICTER_PRODUCE) expect([kafka, ours]).to.deep.equal(STRICTER_PRODUCE[vector.name]);
        else if (!NOT_OF_THE_BATCH.has(kafka)) expect(ours, fault?.message).to.equal(kafka);
      });
    }

    it("the batch in front of a cut second one is measured", () => {
      const vector = vectors.find(({ name }) => name === "second batch cut")!;
      const summary = new BatchSummary();
      expect(validateProduced(vector.bytes, produceOptions, summary)).to.equal(null);
      expect(summary.sizeBytes).to.equal(112);
    });
  });

  it("the tables of stricter cases hold no stale entry", () => {
    const byName = new Map(vectors.map(vector => [vector.name, vector]));
    for (const name of Object.keys(STRICTER_READER)) {
      const vector = byName.get(name);
      expect(vector?.valid || vector?.kafkaStage === "accepted by the reader", name).to.equal(true);
    }
    for (const [name, [kafka, samsa]] of Object.entries(STRICTER_PRODUCE)) {
      expect(byName.get(name)?.produceV11.error, name).to.equal(kafka);
      expect(samsa, name).to.not.be.oneOf([kafka, "NONE"]);
    }
  });
});

function readerAccepts(vector: Vector): boolean {
  try {
    return decodeBatches(vector.bytes).leftOverBytes === 0;
  } catch {
    return false;
  }
}

function isRebuildable(vector: Vector): boolean {
  return (
    !(vector.name in STRICTER_READER) && vector.batches.every(({ magic, codec }) => magic === 2 && codec === "none")
  );
}

function rebuild(batches: DecodedBatch[], bytes: Buffer): Buffer[] {
  let position = 0;
  return batches.map(batch => {
    const options = {
      codec: CODEC[batch.codec as CodecName],
      baseOffset: batch.baseOffset,
      lastOffset: batch.lastOffset,
      leaderEpoch: batch.partitionLeaderEpoch,
      producerId: batch.producerId,
      producerEpoch: batch.producerEpoch,
      baseSequence: batch.baseSequence,
      transactional: batch.transactional,
      control: batch.control,
      timestampType: batch.timestampType,
      logAppendTimeMs: batch.maxTimestamp,
      deleteHorizonMs: batch.deleteHorizonMs,
      maxTimestamp: batch.maxTimestamp,
    };
    if (batch.recordCount === 0) {
      position += batch.sizeBytes;
      return emptyBatch(options);
    }
    const builder = new BatchBuilder(options);
    const cursor = new RecordCursor().open(bytes, position);
    for (const record of batch.records) {
      cursor.next();
      builder.append({ ...record, timestamp: batch.baseTimestamp + cursor.timestampDelta });
    }
    position += batch.sizeBytes;
    return builder.build();
  });
}

/** Our decoded batch in the words of the vectors. */
function asVector(batch: ReturnType<typeof decodeBatches>["batches"][number]): VectorBatch {
  const hex = (bytes: Buffer | null) => bytes?.toString("hex") ?? null;
  if (batch.magic !== 2) {
    const { sizeBytes, records, ...header } = batch;
    return { ...header, size: sizeBytes, records: records.map(r => ({ ...r, key: hex(r.key), value: hex(r.value) })) };
  }
  const { sizeBytes, recordCount, records, ...header } = batch;
  return {
    ...header,
    size: sizeBytes,
    count: recordCount,
    records: records.map(record => ({
      ...record,
      key: hex(record.key),
      value: hex(record.value),
      headers: record.headers.map(({ key, value }) => ({ key, value: hex(value) })),
      ...(header.control ? controlFields(record.key, record.value) : {}),
    })),
  };
}

function controlFields(key: Buffer | null, value: Buffer | null): Partial<VectorBatch["records"][number]> {
  const record = decodeControlRecord(key, value);
  switch (record.type) {
    case "abort":
    case "commit":
      return { controlType: record.type.toUpperCase(), coordinatorEpoch: record.coordinatorEpoch };
    case "leaderChange": {
      const { leaderId, voters, grantingVoters } = record;
      return { controlType: "LEADER_CHANGE", controlJson: { version: 0, leaderId, voters, grantingVoters } };
    }
    case "snapshotHeader": {
      const { lastContainedLogTimestamp } = record;
      return { controlType: "SNAPSHOT_HEADER", controlJson: { version: 0, lastContainedLogTimestamp } };
    }
    case "snapshotFooter":
      return { controlType: "SNAPSHOT_FOOTER", controlJson: { version: 0 } };
    case "kraftVersion":
      return { controlType: "KRAFT_VERSION", controlJson: { version: 0, kRaftVersion: record.kraftVersion } };
    case "kraftVoters": {
      const voters = record.voters.map(({ minSupportedVersion, maxSupportedVersion, ...voter }) => ({
        ...voter,
        kRaftVersionFeature: { minSupportedVersion, maxSupportedVersion },
      }));
      return { controlType: "KRAFT_VOTERS", controlJson: { version: 0, voters } };
    }
    default:
      return {};
  }
}
