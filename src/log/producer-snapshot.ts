/**
 * The `.snapshot` file: producer state as of its file name's offset, in Kafka's bytes.
 *
 * Version (int16, 1), CRC-32C of what follows (uint32), number of producers (int32), and 46 bytes for each: producer id, epoch, last sequence,
 * last offset, offset delta, timestamp, coordinator epoch, first offset of the open transaction.
 */
import { crc32c } from "../../protocol/records/crc.ts";
import type { ProducerEntry, ProducerState } from "./producer-state.ts";

const VERSION = 1;
const HEADER_SIZE_BYTES = 10;
const ENTRY_SIZE_BYTES = 46;

export function encodeProducerSnapshot(state: ProducerState): Buffer {
  const contents = Buffer.allocUnsafe(HEADER_SIZE_BYTES + state.size * ENTRY_SIZE_BYTES);
  let at = HEADER_SIZE_BYTES;
  for (const entry of state.entries()) {
    const last = entry.batches.at(-1);
    contents.writeBigInt64BE(BigInt(entry.producerId), at);
    contents.writeInt16BE(entry.epoch, at + 8);
    contents.writeInt32BE(last?.lastSequence ?? -1, at + 10);
    contents.writeBigInt64BE(BigInt(last?.lastOffset ?? -1), at + 14);
    contents.writeInt32BE(last?.offsetDelta ?? 0, at + 22);
    contents.writeBigInt64BE(BigInt(entry.lastTimestamp), at + 26);
    contents.writeInt32BE(entry.coordinatorEpoch, at + 34);
    contents.writeBigInt64BE(BigInt(entry.transactionFirstOffset), at + 38);
    at += ENTRY_SIZE_BYTES;
  }
  contents.writeInt16BE(VERSION, 0);
  contents.writeInt32BE(state.size, 6);
  contents.writeUInt32BE(crc32c(contents, 6), 2);
  return contents;
}

/** Returns null when the file is damaged: the state is then rebuilt from an older snapshot and the log. */
export function decodeProducerSnapshot(contents: Buffer): ProducerEntry[] | null {
  if (contents.length < HEADER_SIZE_BYTES || contents.readInt16BE(0) !== VERSION) return null;
  if (contents.readUInt32BE(2) !== crc32c(contents, 6)) return null;
  const count = contents.readInt32BE(6);
  if (contents.length !== HEADER_SIZE_BYTES + count * ENTRY_SIZE_BYTES) return null;
  const entries: ProducerEntry[] = [];
  for (let at = HEADER_SIZE_BYTES; at < contents.length; at += ENTRY_SIZE_BYTES) {
    const lastOffset = Number(contents.readBigInt64BE(at + 14));
    const timestamp = Number(contents.readBigInt64BE(at + 26));
    const offsetDelta = contents.readInt32BE(at + 22);
    entries.push({
      producerId: Number(contents.readBigInt64BE(at)),
      epoch: contents.readInt16BE(at + 8),
      coordinatorEpoch: contents.readInt32BE(at + 34),
      lastTimestamp: timestamp,
      transactionFirstOffset: Number(contents.readBigInt64BE(at + 38)),
      batches:
        lastOffset < 0 ? [] : [{ lastSequence: contents.readInt32BE(at + 10), lastOffset, offsetDelta, timestamp }],
      mayHaveOlder: lastOffset >= 0,
    });
  }
  return entries;
}
