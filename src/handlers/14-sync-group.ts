/**
 * SyncGroup (14): the leader of a classic group brings the assignment, every member fetches its part.
 *
 * - v3: static members (KIP-345). v5: the protocol's type and name, checked and answered (KIP-559).
 */
import { SyncGroup } from "../../protocol/apis/14-sync-group.ts";
import { failedSync } from "../coordinators/group/classic/classic-group.ts";
import { handler } from "./handler.ts";

export const syncGroup = handler(
  SyncGroup,
  (request, context) => context.groups.syncGroup(request),
  (_request, errorCode) => failedSync(errorCode),
);
