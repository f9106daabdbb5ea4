/**
 * Control records: transaction markers, and what the raft layer keeps in its log and snapshots.
 *
 * A control record's key is an int16 version (0) and an int16 type. Values of the raft ones are flexible messages whose first field
 * repeats their version. Decoding takes later versions of keys and markers as Kafka does: by their known leading fields.
 *
 * Source: KIP-98 (markers), KIP-595 (leader change), KIP-630 (snapshot header and footer), KIP-853 (version and voters).
 *
 * @module
 */
import { BatchBuilder, type BatchOptions } from "./builder.ts";
import { BatchFormatError } from "./record.ts";

/** Control record types as they stand in the key. */
export const CONTROL_TYPE = {
  abort: 0,
  commit: 1,
  leaderChange: 2,
  snapshotHeader: 3,
  snapshotFooter: 4,
  kraftVersion: 5,
  kraftVoters: 6,
} as const;
export type ControlTypeName = keyof typeof CONTROL_TYPE;

/** End of a transaction of the producer that the batch names. */
export interface EndTransactionMarker {
  type: "abort" | "commit";
  coordinatorEpoch: number;
}

/** First record of each leader of a raft log. */
export interface LeaderChange {
  type: "leaderChange";
  leaderId: number;
  voters: LeaderChangeVoter[];
  /** Who voted for the leader. */
  grantingVoters: LeaderChangeVoter[];
}

export interface LeaderChangeVoter {
  voterId: number;
  /** Only in version 1, which is never written. */
  voterDirectoryId?: string;
}

export interface SnapshotHeader {
  type: "snapshotHeader";
  lastContainedLogTimestamp: number;
}

export interface SnapshotFooter {
  type: "snapshotFooter";
}

export interface KraftVersion {
  type: "kraftVersion";
  kraftVersion: number;
}

export interface KraftVoters {
  type: "kraftVoters";
  voters: KraftVoter[];
}

export interface KraftVoter {
  voterId: number;
  /** 22 letters, as Kafka prints uuids. */
  voterDirectoryId: string;
  endpoints: { name: string; host: string; port: number }[];
  minSupportedVersion: number;
  maxSupportedVersion: number;
}

export type ControlRecord =
  | EndTransactionMarker
  | LeaderChange
  | SnapshotHeader
  | SnapshotFooter
  | KraftVersion
  | KraftVoters;

/** A control record of a type that is not known here: to be passed over, never to be refused. */
export interface UnknownControlRecord {
  type: "unknown";
  typeId: number;
}

/** What a control batch takes from its caller; the rest follows from the record. */
export type ControlBatchOptions = Pick<BatchOptions, "baseOffset" | "leaderEpoch"> & { timestamp: number };

/** The batch that ends a transaction on a partition: transactional, without a sequence. */
export function endTransactionBatch(
  marker: EndTransactionMarker,
  producer: { producerId: number; producerEpoch: number },
  options: ControlBatchOptions,
): Buffer {
  return new BatchBuilder({ ...options, ...producer, control: true, transactional: true })
    .append({ timestamp: options.timestamp, ...encodeControlRecord(marker) })
    .build();
}

/** One control batch with these records, one after the other, as the raft layer writes them. */
export function controlBatch(records: readonly ControlRecord[], options: ControlBatchOptions): Buffer {
  const builder = new BatchBuilder({ ...options, control: true });
  for (const record of records) builder.append({ timestamp: options.timestamp, ...encodeControlRecord(record) });
  return builder.build();
}

/** Key and value of a control record, in the version Kafka writes. */
export function encodeControlRecord(record: ControlRecord): { key: Buffer; value: Buffer } {
  const key = Buffer.alloc(4);
  key.writeInt16BE(CONTROL_TYPE[record.type], 2);
  return { key, value: encodeValue(record) };
}

/** The type id in a control record's key. */
export function controlTypeOf(key: Buffer | null): number {
  if (key === null || key.length < 4) throw new BatchFormatError("a control record without a type");
  return key.readInt16BE(2);
}

/**
 * The content of a control record.
 *
 * @throws BatchFormatError if it is cut or malformed
 */
export function decodeControlRecord(key: Buffer | null, value: Buffer | null): ControlRecord | UnknownControlRecord {
  const typeId = controlTypeOf(key);
  const reader = new FieldReader(value ?? Buffer.alloc(0));
  switch (typeId) {
    case CONTROL_TYPE.abort:
    case CONTROL_TYPE.commit:
      reader.int16();
      return { type: typeId === CONTROL_TYPE.abort ? "abort" : "commit", coordinatorEpoch: reader.int32() };
    case CONTROL_TYPE.leaderChange:
    case CONTROL_TYPE.snapshotHeader:
    case CONTROL_TYPE.snapshotFooter:
    case CONTROL_TYPE.kraftVersion:
    case CONTROL_TYPE.kraftVoters: {
      const record = decodeRaftValue(typeId, reader);
      reader.skipTags();
      return record;
    }
    default:
      return { type: "unknown", typeId };
  }
}

function decodeRaftValue(typeId: number, reader: FieldReader): ControlRecord {
  const version = reader.int16();
  switch (typeId) {
    case CONTROL_TYPE.leaderChange:
      return decodeLeaderChange(reader, version);
    case CONTROL_TYPE.snapshotHeader:
      return { type: "snapshotHeader", lastContainedLogTimestamp: reader.int64() };
    case CONTROL_TYPE.snapshotFooter:
      return { type: "snapshotFooter" };
    case CONTROL_TYPE.kraftVersion:
      return { type: "kraftVersion", kraftVersion: reader.int16() };
    default:
      return decodeVoters(reader);
  }
}

function encodeValue(record: ControlRecord): Buffer {
  const writer = new FieldWriter();
  writer.int16(0);
  switch (record.type) {
    case "abort":
    case "commit":
      return writer.int32(record.coordinatorEpoch).bytes();
    case "leaderChange":
      writer.int32(record.leaderId);
      for (const voters of [record.voters, record.grantingVoters]) {
        writer.count(voters.length);
        for (const { voterId } of voters) writer.int32(voterId).noTags();
      }
      return writer.noTags().bytes();
    case "snapshotHeader":
      return writer.int64(record.lastContainedLogTimestamp).noTags().bytes();
    case "snapshotFooter":
      return writer.noTags().bytes();
    case "kraftVersion":
      return writer.int16(record.kraftVersion).noTags().bytes();
    case "kraftVoters":
      writer.count(record.voters.length);
      for (const voter of record.voters) {
        writer.int32(voter.voterId).uuid(voter.voterDirectoryId).count(voter.endpoints.length);
        for (const { name, host, port } of voter.endpoints) writer.string(name).string(host).int16(port).noTags();
        writer.int16(voter.minSupportedVersion).int16(voter.maxSupportedVersion).noTags().noTags();
      }
      return writer.noTags().bytes();
  }
}

function decodeLeaderChange(reader: FieldReader, version: number): LeaderChange {
  const leaderId = reader.int32();
  const readVoter = (): LeaderChangeVoter => {
    const voter: LeaderChangeVoter = { voterId: reader.int32() };
    if (version >= 1) voter.voterDirectoryId = reader.uuid();
    reader.skipTags();
    return voter;
  };
  const voters = Array.from({ length: reader.count() }, readVoter);
  const grantingVoters = Array.from({ length: reader.count() }, readVoter);
  return { type: "leaderChange", leaderId, voters, grantingVoters };
}

function decodeVoters(reader: FieldReader): KraftVoters {
  const voters = Array.from({ length: reader.count() }, (): KraftVoter => {
    const voterId = reader.int32();
    const voterDirectoryId = reader.uuid();
    const endpoints = Array.from({ length: reader.count() }, () => {
      const endpoint = { name: reader.string(), host: reader.string(), port: reader.int16() & 0xffff };
      reader.skipTags();
      return endpoint;
    });
    const minSupportedVersion = reader.int16();
    const maxSupportedVersion = reader.int16();
    reader.skipTags();
    reader.skipTags();
    return { voterId, voterDirectoryId, endpoints, minSupportedVersion, maxSupportedVersion };
  });
  return { type: "kraftVoters", voters };
}

/**
 * The few field types of control records. They are read and written here rather than by the schema compiler because these records
 * belong to the log's format, which stands on its own below it.
 */
class FieldWriter {
  readonly #parts: Buffer[] = [];

  int16(value: number): this {
    return this.#push(2, part => part.writeUInt16BE(value & 0xffff));
  }

  int32(value: number): this {
    return this.#push(4, part => part.writeInt32BE(value));
  }

  int64(value: number): this {
    return this.#push(8, part => part.writeBigInt64BE(BigInt(value)));
  }

  uuid(value: string): this {
    const part = Buffer.from(value, "base64url");
    if (part.length !== 16) throw new RangeError(`not a uuid: ${value}`);
    this.#parts.push(part);
    return this;
  }

  string(value: string): this {
    const part = Buffer.from(value, "utf8");
    this.count(part.length);
    this.#parts.push(part);
    return this;
  }

  /** The length of a compact array or string: one more than it is. */
  count(count: number): this {
    const bytes: number[] = [];
    let rest = count + 1;
    for (; rest >= 0x80; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
    bytes.push(rest);
    this.#parts.push(Buffer.from(bytes));
    return this;
  }

  noTags(): this {
    return this.#push(1, part => part.writeUInt8(0));
  }

  bytes(): Buffer {
    return Buffer.concat(this.#parts);
  }

  #push(sizeBytes: number, write: (part: Buffer) => void): this {
    const part = Buffer.allocUnsafe(sizeBytes);
    write(part);
    this.#parts.push(part);
    return this;
  }
}

class FieldReader {
  readonly #bytes: Buffer;
  #position = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  int16(): number {
    return this.#bytes.readInt16BE(this.#take(2));
  }

  int32(): number {
    return this.#bytes.readInt32BE(this.#take(4));
  }

  int64(): number {
    return Number(this.#bytes.readBigInt64BE(this.#take(8)));
  }

  uuid(): string {
    const start = this.#take(16);
    return this.#bytes.toString("base64url", start, start + 16);
  }

  string(): string {
    const length = this.#unsignedVarint() - 1;
    const start = this.#take(length);
    return this.#bytes.toString("utf8", start, start + length);
  }

  /** Elements of a compact array: each takes a byte at least, so a count above what is left is a lie. */
  count(): number {
    const count = this.#unsignedVarint() - 1;
    if (count < 0 || count > this.#bytes.length - this.#position)
      throw new BatchFormatError(`${count} elements in a control record`);
    return count;
  }

  skipTags(): void {
    for (let left = this.#unsignedVarint(); left > 0; left--) {
      this.#unsignedVarint();
      this.#take(this.#unsignedVarint());
    }
  }

  #unsignedVarint(): number {
    let value = 0;
    for (let scale = 1; scale <= 2 ** 28; scale *= 128) {
      const byte = this.#bytes[this.#take(1)]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    throw new BatchFormatError("a malformed length in a control record");
  }

  #take(sizeBytes: number): number {
    const start = this.#position;
    if (sizeBytes < 0 || sizeBytes > this.#bytes.length - start) throw new BatchFormatError("a cut control record");
    this.#position = start + sizeBytes;
    return start;
  }
}
