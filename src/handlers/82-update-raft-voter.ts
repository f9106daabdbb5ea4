/** UpdateRaftVoter (82): a voter tells the leader where it is to be reached now, and what it speaks (KIP-853). */
import { UpdateRaftVoter } from "../../protocol/apis/82-update-raft-voter.ts";
import { handler } from "./handler.ts";

export const updateRaftVoter = handler(
  UpdateRaftVoter,
  (request, context) => context.services.quorum.updateVoter(request),
  (_request, errorCode) => ({ throttleTimeMs: 0, errorCode }),
);
