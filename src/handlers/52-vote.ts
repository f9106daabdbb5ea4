/**
 * Vote (52): asks a controller for its vote, or whether it would give it (KIP-595).
 *
 * - v1: directory ids, addresses of the leader (KIP-853).
 * - v2: pre-vote (KIP-996).
 */
import { Vote } from "../../protocol/apis/52-vote.ts";
import { handler } from "./handler.ts";

export const vote = handler(
  Vote,
  (request, context) => context.services.quorum.vote(request),
  (_request, errorCode) => ({ errorCode, topics: [] }),
);
