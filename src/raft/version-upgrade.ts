/**
 * The upgrade of `kraft.version` from 0 to 1 (KIP-853): the configured voters are written to the log, with directories and endpoints as each of them has
 * told this epoch's leader. Whether it may be made is decided here; `changing-voters.ts` makes it, as a change of the voters like others.
 */
import { Errors } from "../../protocol/errors.ts";
import { ZERO_UUID } from "../../protocol/schema.ts";
import type { VersionUpgrade, VoterChangeOutcome } from "./actions.ts";
import type { Voter } from "./quorum-history.ts";
import { type ChangeContext, refused, refuseUnready } from "./voter-changes.ts";
import type { VoterSet } from "./voter-set.ts";

/** Why the leader does not raise the version now; null when it does, or when it is that already, and committed. `described`: see `Leadership`. */
export function refuseUpgrade(
  { kraftVersion }: VersionUpgrade,
  context: ChangeContext,
  described: VoterSet,
): VoterChangeOutcome | null {
  const { kraftVersion: current } = context.facts;
  if (kraftVersion < current) {
    return refused(Errors.INVALID_UPDATE_VERSION, `the quorum has version ${current}, which cannot be lowered.`);
  }
  const unready = refuseUnready(context);
  if (unready !== null || kraftVersion === current) return unready;
  const silent = described.voters.filter(({ voterDirectoryId }) => voterDirectoryId === ZERO_UUID);
  if (silent.length > 0) {
    const message = `voters ${idsOf(silent)} have not told the leader about themselves, and may not support it.`;
    return refused(Errors.INVALID_UPDATE_VERSION, message);
  }
  const unable = described.voters.filter(({ kRaftVersionFeature: { minSupportedVersion, maxSupportedVersion } }) => {
    return kraftVersion < minSupportedVersion || kraftVersion > maxSupportedVersion;
  });
  if (unable.length === 0) return null;
  return refused(Errors.INVALID_UPDATE_VERSION, `voters ${idsOf(unable)} do not support it.`);
}

function idsOf(voters: readonly Voter[]): string {
  return voters.map(({ voterId }) => voterId).join(", ");
}
