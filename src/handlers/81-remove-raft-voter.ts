/** RemoveRaftVoter (81): ends a controller's vote (KIP-853). */
import { RemoveRaftVoter } from "../../protocol/apis/81-remove-raft-voter.ts";
import { handler } from "./handler.ts";

export const removeRaftVoter = handler(
  RemoveRaftVoter,
  (request, context) => context.services.quorum.removeVoter(request),
  (_request, errorCode, errorMessage) => ({ throttleTimeMs: 0, errorCode, errorMessage }),
);
