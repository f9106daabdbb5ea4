/**
 * BeginQuorumEpoch (53): a leader tells a voter that it was elected (KIP-595).
 *
 * - v1: flexible; directory ids, addresses of the leader (KIP-853).
 */
import { BeginQuorumEpoch } from "../../protocol/apis/53-begin-quorum-epoch.ts";
import { handler } from "./handler.ts";

export const beginQuorumEpoch = handler(
  BeginQuorumEpoch,
  (request, context) => context.services.quorum.beginQuorumEpoch(request),
  (_request, errorCode) => ({ errorCode, topics: [] }),
);
