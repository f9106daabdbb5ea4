/** Takes note of what control records of the log say of the quorum. */
import type { ControlRecord } from "./batches.ts";
import type { QuorumHistory } from "./quorum-history.ts";

/** `controls[i]` is at `baseOffset + i`. */
export function noteControlRecords(
  history: QuorumHistory,
  baseOffset: number,
  controls: readonly ControlRecord[],
): void {
  for (const [index, record] of controls.entries()) {
    if (record.type === "kraftVersion") history.setKraftVersion(baseOffset + index, record.kraftVersion);
    else if (record.type === "voters") history.setVoters(baseOffset + index, record.voters);
  }
}
