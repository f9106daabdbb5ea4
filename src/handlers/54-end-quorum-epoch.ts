/**
 * EndQuorumEpoch (54): a leader tells the voters that it leads no more, and who had best succeed it (KIP-595).
 *
 * - v1: flexible; directory ids, addresses of the leader (KIP-853).
 */
import { EndQuorumEpoch } from "../../protocol/apis/54-end-quorum-epoch.ts";
import { handler } from "./handler.ts";

export const endQuorumEpoch = handler(
  EndQuorumEpoch,
  (request, context) => context.services.quorum.endQuorumEpoch(request),
  (_request, errorCode) => ({ errorCode, topics: [] }),
);
