/**
 * Record batches: bytes ⇄ values, validation, compression. The public face of the folder.
 *
 * @module
 */
export * from "./batch.ts";
export * from "./builder.ts";
export * from "./compression/index.ts";
export * from "./control.ts";
export { crc32c } from "./crc.ts";
export * from "./decode.ts";
export { type BatchFault, MAX_RECORD_ERRORS, type RecordError } from "./faults.ts";
export { decodeLegacyBatch, isLegacyCrcValid, type LegacyBatch, type LegacyRecord } from "./legacy.ts";
export * from "./record.ts";
export * from "./validate.ts";
export { BatchSummary } from "./walk.ts";
