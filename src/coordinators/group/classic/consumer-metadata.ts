/**
 * What the coordinator understands of the bytes that consumers of the classic protocol send each other: which topics they subscribe to.
 */
import { decoderOf, encoderOf } from "../../../../protocol/compile.ts";
import {
  ConsumerProtocolAssignment,
  ConsumerProtocolSubscription,
} from "../../../../protocol/internal/consumer-protocol.ts";
import { Reader } from "../../../../protocol/reader.ts";
import type { InputOf } from "../../../../protocol/schema.ts";
import { Writer } from "../../../../protocol/writer.ts";

/** The protocol type of consumers. */
export const CONSUMER_PROTOCOL_TYPE = "consumer";

/** Topics in a subscription; null when the bytes are no subscription. Later versions begin like the first, and nothing else is looked at. */
export function subscribedTopics(metadata: Buffer): readonly string[] | null {
  try {
    const reader = new Reader(metadata);
    return reader.int16() < 0 ? null : decoderOf(ConsumerProtocolSubscription, 0)(reader).topics;
  } catch {
    return null;
  }
}

/** A whole subscription. Versions that are not known are read as the last one that is. Throws MalformedError. */
export function decodeSubscription(metadata: Buffer): { version: number; subscription: ConsumerProtocolSubscription } {
  const reader = new Reader(metadata);
  const version = reader.int16();
  const known = Math.min(Math.max(version, 0), ConsumerProtocolSubscription.versions.max);
  return { version, subscription: decoderOf(ConsumerProtocolSubscription, known)(reader) };
}

/** The partitions of an assignment. Throws MalformedError. */
export function decodeAssignment(assignment: Buffer): ConsumerProtocolAssignment["assignedPartitions"] {
  const reader = new Reader(assignment);
  const version = reader.int16();
  const known = Math.min(Math.max(version, 0), ConsumerProtocolAssignment.versions.max);
  return decoderOf(ConsumerProtocolAssignment, known)(reader).assignedPartitions;
}

/** An assignment in the version that a member's subscription has. */
export function encodeAssignment(
  version: number,
  assignedPartitions: InputOf<typeof ConsumerProtocolAssignment>["assignedPartitions"],
): Buffer {
  const known = Math.min(Math.max(version, 0), ConsumerProtocolAssignment.versions.max);
  const writer = new Writer();
  writer.int16(known);
  encoderOf(ConsumerProtocolAssignment, known)(writer, { assignedPartitions, userData: null });
  return Buffer.concat(writer.finish());
}
