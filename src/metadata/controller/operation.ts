/**
 * What the controller can be asked to do: a name and a pure decision over the metadata as it stands.
 *
 * Each area beside this file (`topics.ts`, `configs.ts`, …) makes operations; `controller.ts` runs them through the machine runtime, which
 * appends their records and releases the response once those are committed.
 */
import { ApiError, Errors } from "../../../protocol/errors.ts";
import type { DecideContext, Decision } from "../../machine/state-machine.ts";
import type { MetadataImage } from "../image.ts";
import type { MetadataRecord } from "../records.ts";
import type { PartitionIndex } from "./partition-index.ts";

export interface Operation<R> {
  /** For logs, e.g. `create-topics`. */
  readonly name: string;
  /** Throws `ApiError` to refuse the whole request. The image holds all earlier decisions. */
  decide(image: MetadataImage, context: DecideContext, index: PartitionIndex): Decision<R, MetadataRecord>;
}

/** Refuses an operation that takes more records than it may (`samsa.controller.operation.records.max`; Kafka has 10,000). */
export function tooManyRecords(limit: number): ApiError {
  return new ApiError(
    Errors.POLICY_VIOLATION,
    `Excessively large request: one operation may write at most ${limit} metadata records.`,
  );
}

/** A response without records: nothing changes. */
export function unchanged<R>(response: R): Decision<R, MetadataRecord> {
  return { records: [], response };
}

/** The error of one item of a request: a topic, a resource. */
export interface ItemError {
  readonly errorCode: number;
  readonly errorMessage: string;
}

export function itemError(errorCode: number, errorMessage: string): ItemError {
  return { errorCode, errorMessage };
}
