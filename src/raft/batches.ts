/**
 * Batches of the metadata log and of snapshots: data batches hold metadata records as values without keys, control batches the quorum's own
 * records (KIP-595, KIP-630, KIP-853). All are uncompressed; all records of a batch carry the append time.
 */
import { decoderOf, encoderOf } from "../../protocol/compile.ts";
import {
  KRaftVersionRecord,
  LeaderChangeMessage,
  SnapshotFooterRecord,
  SnapshotHeaderRecord,
  VotersRecord,
} from "../../protocol/internal/raft.ts";
import { Reader } from "../../protocol/reader.ts";
import {
  attributesAt,
  baseOffsetAt,
  batchSizeAt,
  isControl,
  lastOffsetAt,
  maxTimestampAt,
  partitionLeaderEpochAt,
} from "../../protocol/records/batch.ts";
import { BatchBuilder } from "../../protocol/records/builder.ts";
import { type DecodedRecord, decodeRecords } from "../../protocol/records/record.ts";
import { checkBatch } from "../../protocol/records/validate.ts";
import { ZERO_UUID } from "../../protocol/schema.ts";
import { Writer } from "../../protocol/writer.ts";
import type { Voter } from "./quorum-history.ts";
import type { CommittedBatch } from "./replicated-log.ts";

/** A record of the quorum itself. Kinds of later releases, and abort and commit markers, are `unknown`. */
export type ControlRecord =
  | {
      readonly type: "leaderChange";
      readonly leaderId: number;
      readonly voterIds: readonly number[];
      readonly grantingVoterIds: readonly number[];
    }
  | { readonly type: "snapshotHeader"; readonly lastContainedLogTimeMs: number }
  | { readonly type: "snapshotFooter" }
  | { readonly type: "kraftVersion"; readonly kraftVersion: number }
  | { readonly type: "voters"; readonly voters: readonly Voter[] }
  | { readonly type: "unknown"; readonly typeId: number };

/** A batch as read from the log. */
export interface LoggedBatch extends CommittedBatch {
  /** Of a control batch; `controls[i]` is at offset `baseOffset + i`. */
  readonly controls: readonly ControlRecord[];
}

export interface BatchPlace {
  readonly baseOffset: number;
  readonly epoch: number;
  readonly appendTimeMs: number;
}

const CONTROL_TYPE_IDS = {
  leaderChange: 2,
  snapshotHeader: 3,
  snapshotFooter: 4,
  kraftVersion: 5,
  voters: 6,
} as const;

/** Length, attributes, timestamp delta, offset delta, null key, value length, header count: at most this beside the value. */
const RECORD_OVERHEAD_BYTES = 5 + 1 + 1 + 5 + 1 + 5 + 1;

/** Upper bound of what values take in a batch, its header apart. */
export function recordSizes(values: readonly Buffer[]): number {
  let sizeBytes = 0;
  for (const value of values) sizeBytes += recordSize(value);
  return sizeBytes;
}

/** Upper bound of what a value takes in a batch. */
export function recordSize(value: Buffer): number {
  return RECORD_OVERHEAD_BYTES + value.length;
}

export function encodeRecordBatch({ baseOffset, epoch, appendTimeMs }: BatchPlace, values: readonly Buffer[]): Buffer {
  const builder = new BatchBuilder({ baseOffset, leaderEpoch: epoch });
  for (const value of values) builder.append({ timestamp: appendTimeMs, value });
  return builder.build();
}

export function encodeControlBatch(
  { baseOffset, epoch, appendTimeMs }: BatchPlace,
  records: readonly ControlRecord[],
): Buffer {
  const builder = new BatchBuilder({ baseOffset, leaderEpoch: epoch, control: true });
  for (const record of records) {
    builder.append({ timestamp: appendTimeMs, key: encodeControlKey(record), value: encodeControlValue(record) });
  }
  return builder.build();
}

/** Reads whole batches, checking CRC and structure of each. Throws when one is cut or wrong. */
export function* decodeBatches(bytes: Buffer): Generator<LoggedBatch> {
  let position = 0;
  while (position < bytes.length) {
    const fault = checkBatch(bytes, position, bytes.length);
    if (fault !== null) throw new Error(`batch at byte ${position}: ${fault.message}`);
    yield decodeBatch(bytes, position);
    position += batchSizeAt(bytes, position);
  }
}

function decodeBatch(bytes: Buffer, position: number): LoggedBatch {
  const isControlBatch = isControl(attributesAt(bytes, position));
  const records = decodeRecords(bytes, position);
  return {
    baseOffset: baseOffsetAt(bytes, position),
    lastOffset: lastOffsetAt(bytes, position),
    epoch: partitionLeaderEpochAt(bytes, position),
    appendTimeMs: maxTimestampAt(bytes, position),
    sizeBytes: batchSizeAt(bytes, position),
    records: isControlBatch ? [] : records.map(valueIn),
    isControl: isControlBatch,
    controls: isControlBatch ? records.map(decodeControl) : [],
  };
}

function valueIn(record: DecodedRecord): Buffer {
  if (record.value === null) throw new Error(`metadata record at offset ${record.offset} has no value`);
  return record.value;
}

function decodeControl(record: DecodedRecord): ControlRecord {
  const { key, offset } = record;
  const value = valueIn(record);
  if (key === null || key.length < 4) throw new Error(`control record at offset ${offset} has no key`);
  const typeId = key.readInt16BE(2);
  switch (typeId) {
    case CONTROL_TYPE_IDS.leaderChange: {
      const { leaderId, voters, grantingVoters } = decoderOf(
        LeaderChangeMessage,
        versionOf(value, 1),
      )(new Reader(value));
      return {
        type: "leaderChange",
        leaderId,
        voterIds: voters.map(voter => voter.voterId),
        grantingVoterIds: grantingVoters.map(voter => voter.voterId),
      };
    }
    case CONTROL_TYPE_IDS.snapshotHeader: {
      const header = decoderOf(SnapshotHeaderRecord, versionOf(value, 0))(new Reader(value));
      return { type: "snapshotHeader", lastContainedLogTimeMs: header.lastContainedLogTimestamp };
    }
    case CONTROL_TYPE_IDS.snapshotFooter:
      return { type: "snapshotFooter" };
    case CONTROL_TYPE_IDS.kraftVersion: {
      const { kRaftVersion } = decoderOf(KRaftVersionRecord, versionOf(value, 0))(new Reader(value));
      return { type: "kraftVersion", kraftVersion: kRaftVersion };
    }
    case CONTROL_TYPE_IDS.voters:
      return { type: "voters", voters: decoderOf(VotersRecord, versionOf(value, 0))(new Reader(value)).voters };
    default:
      return { type: "unknown", typeId };
  }
}

/** The version that a control record's value begins with; what is newer is read as the newest known, as Kafka does. */
function versionOf(value: Buffer, newest: number): number {
  return Math.min(value.readInt16BE(0), newest);
}

function encodeControlKey(record: ControlRecord): Buffer {
  const key = Buffer.alloc(4);
  key.writeInt16BE(record.type === "unknown" ? record.typeId : CONTROL_TYPE_IDS[record.type], 2);
  return key;
}

function encodeControlValue(record: ControlRecord): Buffer {
  const writer = new Writer();
  switch (record.type) {
    case "leaderChange":
      encoderOf(LeaderChangeMessage, 0)(writer, {
        version: 0,
        leaderId: record.leaderId,
        voters: record.voterIds.map(toVoter),
        grantingVoters: record.grantingVoterIds.map(toVoter),
      });
      break;
    case "snapshotHeader":
      encoderOf(SnapshotHeaderRecord, 0)(writer, {
        version: 0,
        lastContainedLogTimestamp: record.lastContainedLogTimeMs,
      });
      break;
    case "snapshotFooter":
      encoderOf(SnapshotFooterRecord, 0)(writer, { version: 0 });
      break;
    case "kraftVersion":
      encoderOf(KRaftVersionRecord, 0)(writer, { version: 0, kRaftVersion: record.kraftVersion });
      break;
    case "voters":
      encoderOf(VotersRecord, 0)(writer, { version: 0, voters: record.voters as Voter[] });
      break;
    case "unknown":
      throw new Error(`control records of type ${record.typeId} are not written here`);
  }
  return Buffer.concat(writer.finish());
}

/** v0 of the leader change has no directory ids. */
function toVoter(voterId: number) {
  return { voterId, voterDirectoryId: ZERO_UUID };
}
