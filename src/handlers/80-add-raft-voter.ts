/**
 * AddRaftVoter (80): has a controller that follows the metadata log vote on it (KIP-853).
 *
 * - v1: may be answered before the change is committed (KIP-1186).
 */
import { AddRaftVoter } from "../../protocol/apis/80-add-raft-voter.ts";
import { forwardedHandler } from "./forwarding.ts";

export const addRaftVoter = forwardedHandler(
  AddRaftVoter,
  (request, context) => context.services.quorum.addVoter(request),
  (_request, errorCode, errorMessage) => ({ throttleTimeMs: 0, errorCode, errorMessage }),
);
