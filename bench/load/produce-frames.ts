/** The requests that a produce load sends: one batch each, built once. */
import { Produce } from "../../protocol/apis/00-produce.ts";
import { errorName } from "../../protocol/errors.ts";
import { decodeResponse, encodeRequest } from "../../protocol/frame.ts";
import { BASE_SEQUENCE_OFFSET, computeCrc, PRODUCER_ID_OFFSET, setCrc } from "../../protocol/records/batch.ts";
import { BatchBuilder } from "../../protocol/records/builder.ts";
import { ZERO_UUID } from "../../protocol/schema.ts";
import type { ProduceLoad } from "./loads.ts";

/** Old enough for every broker, not flexible, with one form of record batch, and zstd. */
const PRODUCE_VERSION = 7;

/** A request for one partition; the batch is its last part. */
export class ProduceFrame {
  readonly #frame: Buffer;
  readonly #batchStart: number;
  readonly #recordCount: number;
  #sequence = 0;

  constructor(load: ProduceLoad, topic: string, partition: number) {
    const batch = batchOf(load);
    const body = {
      transactionalId: null,
      acks: load.acks,
      timeoutMs: 30_000,
      topicData: [{ name: topic, topicId: ZERO_UUID, partitionData: [{ index: partition, records: batch }] }],
    };
    this.#frame = Buffer.concat(encodeRequest(Produce, PRODUCE_VERSION, 1, "bench", body));
    this.#batchStart = this.#frame.length - batch.length;
    this.#recordCount = load.recordsPerBatch;
  }

  /** The same bytes each time. */
  get bytes(): Buffer {
    return this.#frame;
  }

  /** As the next batch of an idempotent producer: a copy, since the one before may still be on its way. */
  next(producerId: bigint): Buffer {
    const frame = Buffer.allocUnsafe(this.#frame.length);
    this.#frame.copy(frame);
    const start = this.#batchStart;
    frame.writeBigInt64BE(producerId, start + PRODUCER_ID_OFFSET);
    frame.writeInt16BE(0, start + PRODUCER_ID_OFFSET + 8);
    frame.writeInt32BE(this.#sequence, start + BASE_SEQUENCE_OFFSET);
    setCrc(frame, start, computeCrc(frame, start, frame.length - start));
    // Sequence numbers start over behind the largest int32.
    this.#sequence = (this.#sequence + this.#recordCount) % 2 ** 31;
    return frame;
  }
}

function batchOf(load: ProduceLoad): Buffer {
  const builder = new BatchBuilder({ codec: load.codec });
  const textOf = load.codec === 0 ? noise : json;
  for (let index = 0; index < load.recordsPerBatch; index++) {
    builder.append({ timestamp: Date.now(), key: null, value: textOf(load.recordSizeBytes), headers: [] });
  }
  return builder.build();
}

/** Printable noise: what is not compressed need not be compressible. */
function noise(sizeBytes: number): Buffer {
  const text = Buffer.allocUnsafe(sizeBytes);
  for (let at = 0; at < sizeBytes; at++) text[at] = 33 + Math.floor(Math.random() * 94);
  return text;
}

/** As compressible as events in JSON are. */
function json(sizeBytes: number): Buffer {
  let text = "";
  while (text.length < sizeBytes) {
    const event = {
      id: Math.floor(Math.random() * 1e9),
      type: ["view", "click", "order", "payment"][Math.floor(Math.random() * 4)],
      user: `user-${Math.floor(Math.random() * 10_000)}`,
      amount: Math.round(Math.random() * 1e5) / 100,
      currency: "EUR",
    };
    text += JSON.stringify(event);
  }
  return Buffer.from(text.slice(0, sizeBytes));
}

/** Throws when an answer tells of an error. Answers of one topic have one layout, so its first says where the error code is. */
export class ProduceAnswers {
  #errorCodeAt = -1;
  #sizeBytes = -1;

  check(answer: Buffer): void {
    if (answer.length !== this.#sizeBytes) {
      const { body } = decodeResponse(Produce, PRODUCE_VERSION, answer);
      // correlation id, topic count, topic name, partition count, partition index
      this.#errorCodeAt = 4 + 4 + 2 + Buffer.byteLength(body.responses[0]!.name) + 4 + 4;
      this.#sizeBytes = answer.length;
    }
    const errorCode = answer.readInt16BE(this.#errorCodeAt);
    if (errorCode !== 0) throw new Error(`produce was answered with ${errorName(errorCode)}`);
  }
}
