/**
 * Makes the response of what was read, and notes in the session what the client has been told.
 */
import { Errors } from "../../../protocol/errors.ts";
import type { HandlerContext } from "../context.ts";
import { leaderHint, nodeEndpoints } from "../leader-hint.ts";
import type { FetchedPartition, FetchedPartitions } from "./fetch-reader.ts";
import { type FetchRequest, type FetchResponse, type FetchTopicResponse, followerIdOf } from "./fetch-request.ts";
import { type FetchContext, type FetchSession, NO_SESSION_ID } from "./fetch-sessions.ts";

type Served = Exclude<FetchContext, { kind: "error" }>;

const FIRST_VERSION_WITH_TOPIC_IDS = 13;
const FIRST_VERSION_WITH_LEADER_HINT = 12;
const FIRST_VERSION_WITH_ENDPOINTS = 16;

/**
 * @param isOvertaken the session's next request has come already: what is told here may not be listened to, where that asks in another leader epoch, and
 *   is told again
 */
export function fetchResponse(
  served: Served,
  fetched: FetchedPartitions,
  request: FetchRequest,
  context: HandlerContext,
  isOvertaken = false,
): FetchResponse {
  const session = served.kind === "incremental" ? served.session : newSession(served, request, context);
  const isFollower = followerIdOf(request) >= 0;
  if (isFollower) context.replicas.sentBytes.increment(fetched.sizeBytes);
  const leaders: number[] = [];
  const responses: Topic[] = [];
  for (const partition of fetched.partitions) {
    if (served.kind === "incremental" && !hasNews(partition)) continue;
    if (session !== null && !isOvertaken) noteSent(session, partition);
    addLeaderHint(partition, leaders, context);
    addTo(responses, partition);
    if (partition.sizeBytes > 0 && !isFollower)
      partition.replica?.counters?.fetchedBytes.increment(partition.sizeBytes);
  }
  return {
    throttleTimeMs: 0,
    errorCode: Errors.NONE,
    sessionId: session?.id ?? NO_SESSION_ID,
    responses,
    ...(leaders.length > 0 && context.apiVersion >= FIRST_VERSION_WITH_ENDPOINTS
      ? { nodeEndpoints: nodeEndpoints(context, leaders) }
      : null),
  };
}

function newSession(
  served: Extract<Served, { kind: "full" }>,
  request: FetchRequest,
  context: HandlerContext,
): FetchSession | null {
  if (!served.wantsSession) return null;
  const isFollower = followerIdOf(request) >= 0;
  const usesTopicIds = context.apiVersion >= FIRST_VERSION_WITH_TOPIC_IDS;
  return context.fetchSessions.create(served.partitions, usesTopicIds, isFollower);
}

/** Whether an incremental response must name the partition. */
function hasNews({ request, response, sizeBytes }: FetchedPartition): boolean {
  return (
    sizeBytes > 0 ||
    response.errorCode !== Errors.NONE ||
    response.divergingEpoch !== undefined ||
    response.preferredReadReplica !== undefined ||
    response.highWatermark !== request.sentHighWatermark ||
    response.logStartOffset !== request.sentLogStartOffset
  );
}

function noteSent(session: FetchSession, { request, response, sizeBytes }: FetchedPartition): void {
  // After an error the next response names the partition again, whatever it finds; and after a divergence, for a follower that truncates listens to
  // nothing else.
  const isHeard = response.errorCode === Errors.NONE && response.divergingEpoch === undefined;
  request.sentHighWatermark = isHeard ? response.highWatermark : -1;
  request.sentLogStartOffset = response.logStartOffset ?? -1;
  if (sizeBytes > 0) session.rotate(request);
}

function addLeaderHint(partition: FetchedPartition, leaders: number[], context: HandlerContext): void {
  const { request, response } = partition;
  const { errorCode } = response;
  if (errorCode !== Errors.NOT_LEADER_OR_FOLLOWER && errorCode !== Errors.FENCED_LEADER_EPOCH) return;
  if (context.apiVersion < FIRST_VERSION_WITH_LEADER_HINT) return;
  const hint = leaderHint(context.metadata.image, request.topic, request.partition);
  response.currentLeader = hint;
  leaders.push(hint.leaderId);
}

type Topic = { -readonly [K in keyof FetchTopicResponse]: FetchTopicResponse[K] } & {
  partitions: FetchTopicResponse["partitions"][number][];
};

/** Neighbours of one topic share an entry; the order of partitions stays as it is. */
function addTo(responses: Topic[], { request, response }: FetchedPartition): void {
  const last = responses[responses.length - 1];
  if (last !== undefined && last.topicId === request.topicId && last.topic === request.topic) {
    last.partitions.push(response);
  } else {
    responses.push({ topic: request.topic, topicId: request.topicId, partitions: [response] });
  }
}
