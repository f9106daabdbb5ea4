/** RemoveRaftVoter (81): ends a controller's vote (KIP-853). */
import { RemoveRaftVoter } from "../../protocol/apis/81-remove-raft-voter.ts";
import { forwardedHandler } from "./forwarding.ts";

export const removeRaftVoter = forwardedHandler(
  RemoveRaftVoter,
  (request, context) => context.services.quorum.removeVoter(request),
  (_request, errorCode, errorMessage) => ({ throttleTimeMs: 0, errorCode, errorMessage }),
);
