/**
 * FetchSnapshot (59): a part of a snapshot of the metadata, by byte position (KIP-630).
 *
 * - v1: directory ids, addresses of the leader (KIP-853).
 */
import { FetchSnapshot } from "../../protocol/apis/59-fetch-snapshot.ts";
import { handler } from "./handler.ts";

export const fetchSnapshot = handler(
  FetchSnapshot,
  (request, context) => context.services.quorum.fetchSnapshot(request),
  (_request, errorCode) => ({ throttleTimeMs: 0, errorCode, topics: [] }),
);
