/**
 * Telling a full disk, which ends with space returning, from a failing one, which is not to be trusted any more. A sync that finds no space has lost
 * what was written before: that is a failure.
 */
import { DiskError } from "../platform/platform.ts";

export function isDiskFull(error: unknown): boolean {
  if (!(error instanceof DiskError) || error.operation === "sync") return false;
  return error.code === "ENOSPC" || error.code === "EDQUOT";
}
