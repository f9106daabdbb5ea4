/**
 * Kafka's protocol: schemas of all messages, and codecs made from them. No I/O, no state, nothing of the broker.
 *
 * ```ts
 * import { decodeResponse, encodeRequest, Metadata } from "samsa/protocol";
 *
 * const frame = encodeRequest(Metadata, 12, 1, "me", { topics: null, allowAutoTopicCreation: false });
 * socket.write(Buffer.concat(frame));
 * // …later, with the bytes after the four of the length:
 * const { body } = decodeResponse(Metadata, 12, reply);
 * console.log(body.brokers.map(({ host, port }) => `${host}:${port}`));
 * ```
 */
export * from "./apis/index.ts";
export * from "./codec.ts";
export * from "./compile.ts";
export * from "./errors.ts";
export * from "./frame.ts";
export * from "./header.ts";
export * from "./internal/index.ts";
export { MalformedError, Reader } from "./reader.ts";
export * from "./records/index.ts";
export * from "./schema.ts";
export { Writer } from "./writer.ts";
