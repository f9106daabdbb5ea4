/**
 * What is found wrong with a batch.
 *
 * @module
 */
import { Errors } from "../errors.ts";

/** What is wrong with a batch: an error code of the protocol, a sentence for the sender, and the records at fault where it is those. */
export interface BatchFault {
  code: number;
  message: string;
  /** For Produce v8 and later, at most {@link MAX_RECORD_ERRORS} of them. */
  recordErrors?: RecordError[];
}

export interface RecordError {
  /** The record's index in its batch. */
  batchIndex: number;
  message: string;
}

/** Answering for each of a million bad records would cost more than the request did. */
export const MAX_RECORD_ERRORS = 1000;

export function corrupt(message: string): BatchFault {
  return { code: Errors.CORRUPT_MESSAGE, message };
}

export function invalid(message: string): BatchFault {
  return { code: Errors.INVALID_RECORD, message };
}

export function badTimestamp(message: string): BatchFault {
  return { code: Errors.INVALID_TIMESTAMP, message };
}

export function recordFault(index: number, what: string): BatchFault {
  return { code: Errors.INVALID_RECORD, message: `record ${index}: ${what}` };
}
