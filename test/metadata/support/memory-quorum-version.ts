/** The version of a quorum that raises it as it is told, unless a test has it refuse. */
import { Errors } from "../../../protocol/errors.ts";
import type { QuorumVersion } from "../../../src/metadata/controller/features.ts";
import type { VersionUpgrade, VoterChangeOutcome } from "../../../src/raft/actions.ts";

export class MemoryQuorumVersion implements QuorumVersion {
  current = 1;
  /** What it says beforehand, when it is to refuse. */
  refuses: VoterChangeOutcome | null = null;
  /** What becomes of a try. */
  outcome: VoterChangeOutcome = { errorCode: Errors.NONE, message: null };
  readonly tries: VersionUpgrade[] = [];

  level(): number {
    return this.current;
  }

  refusal(): VoterChangeOutcome | null {
    return this.refuses;
  }

  async raise(upgrade: VersionUpgrade): Promise<VoterChangeOutcome> {
    this.tries.push(upgrade);
    if (this.outcome.errorCode === Errors.NONE) this.current = upgrade.kraftVersion;
    return this.outcome;
  }
}
