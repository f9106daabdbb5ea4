/** Bytes that classic consumers put into JoinGroup. */
import { encoderOf } from "../../../protocol/compile.ts";
import { ConsumerProtocolSubscription } from "../../../protocol/internal/consumer-protocol.ts";
import { Writer } from "../../../protocol/writer.ts";

export function encodeSubscription(
  topics: string[],
  ownedPartitions: { topic: string; partitions: number[] }[] = [],
  version = 1,
): Buffer {
  const writer = new Writer();
  writer.int16(version);
  encoderOf(ConsumerProtocolSubscription, version)(writer, { topics, userData: null, ownedPartitions });
  return Buffer.concat(writer.finish());
}
