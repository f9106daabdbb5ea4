/**
 * Records that a shard has decided and not appended yet: those of one tick become one batch, unless a transaction's producer or the size of a batch
 * is between them.
 */
import { NO_PRODUCER_EPOCH, NO_PRODUCER_ID, RECORD_BATCH_OVERHEAD } from "../../../protocol/records/batch.ts";
import { BatchBuilder } from "../../../protocol/records/builder.ts";
import type { CodecId } from "../../../protocol/records/compression/index.ts";
import type { TransactionalProducer } from "./turn.ts";

export interface EncodedRecord {
  readonly key: Buffer;
  readonly value: Buffer | null;
}

/** Most that a record takes in a batch besides key and value. */
const RECORD_OVERHEAD_BYTES = 30;

/** Upper bound of what `records` add to a batch. */
export function sizeOf(records: readonly EncodedRecord[]): number {
  let sizeBytes = 0;
  for (const { key, value } of records) sizeBytes += RECORD_OVERHEAD_BYTES + key.length + (value?.length ?? 0);
  return sizeBytes;
}

export class BatchBuffer {
  readonly #codec: CodecId;
  #builder: BatchBuilder | null = null;
  #producer: TransactionalProducer | null = null;

  constructor(codec: CodecId) {
    this.#codec = codec;
  }

  get recordCount(): number {
    return this.#builder?.recordCount ?? 0;
  }

  get sizeBytes(): number {
    return this.#builder?.sizeBytes ?? RECORD_BATCH_OVERHEAD;
  }

  /** Whether records of this producer may join what is buffered. */
  accepts(producer: TransactionalProducer | null): boolean {
    if (this.#builder === null) return true;
    return (
      this.#producer?.producerId === producer?.producerId && this.#producer?.producerEpoch === producer?.producerEpoch
    );
  }

  add(records: readonly EncodedRecord[], timestamp: number, producer: TransactionalProducer | null): void {
    if (this.#builder === null) {
      this.#producer = producer;
      this.#builder = new BatchBuilder({
        codec: this.#codec,
        producerId: producer?.producerId ?? NO_PRODUCER_ID,
        producerEpoch: producer?.producerEpoch ?? NO_PRODUCER_EPOCH,
        transactional: producer !== null,
      });
    }
    for (const { key, value } of records) this.#builder.append({ timestamp, key, value });
  }

  /** The batch, and an empty buffer. */
  take(): Buffer {
    if (this.#builder === null) throw new Error("nothing is buffered");
    const batch = this.#builder.build();
    this.clear();
    return batch;
  }

  clear(): void {
    this.#builder = null;
    this.#producer = null;
  }
}
