/**
 * Fetch (1): reads record batches, for consumers and for followers.
 *
 * Whole batches are sent as they lie in the log. A fetch that finds less than `minBytes` is parked for up to `maxWaitMs`; it is woken by its
 * partitions alone, when their high watermark rises, or by an error that the client must hear of.
 *
 * A follower's offsets are its claims: they move the high watermark before anything is read. It reads to the end of the log, flushed or not, and
 * is woken by appends. It may send its next request while one is parked in its session, which is then answered at once.
 *
 * - v4: isolation level (KIP-98). v5: log start offset. v7: sessions (KIP-227). v9: the client's leader epoch (KIP-320). v10: zstd (KIP-110).
 * - v11: consumers may be sent to a replica in their rack, and followers serve them up to the high watermark they know (KIP-392).
 * - v12: flexible; diverging epochs (KIP-595). v13: topics by id (KIP-516). v15: replica state (KIP-903). v16: where the leader is (KIP-951).
 */
import { Fetch } from "../../protocol/apis/01-fetch.ts";
import { ReadLease } from "../log/index.ts";
import { DelayedFetch } from "../replication/delayed-fetch.ts";
import type { HandlerContext } from "./context.ts";
import { type FetchedPartitions, type FetchLimits, FetchReader } from "./fetch/fetch-reader.ts";
import { type FetchRequest, type FetchResponse, followerIdOf } from "./fetch/fetch-request.ts";
import { fetchResponse } from "./fetch/fetch-response.ts";
import { type FetchContext, NO_SESSION_ID } from "./fetch/fetch-sessions.ts";
import { orderedHandler, type Staged } from "./handler.ts";

const READ_COMMITTED = 1;
const FIRST_VERSION_WITH_ZSTD = 10;
const FIRST_VERSION_WITH_RACKS = 11;
const FIRST_VERSION_WITH_TOPIC_IDS = 13;

export const fetch = orderedHandler(Fetch, handleFetch, (_request, errorCode) => ({
  throttleTimeMs: 0,
  errorCode,
  sessionId: NO_SESSION_ID,
  responses: [],
}));

/** A request under way. */
interface Call {
  readonly request: FetchRequest;
  readonly session: Served;
  readonly limits: FetchLimits;
  readonly memory: ReadLease;
  readonly context: HandlerContext;
}

type Served = Exclude<FetchContext, { kind: "error" }>;

function handleFetch(request: FetchRequest, context: HandlerContext): Staged<FetchResponse> {
  if (context.connection.listenerRole === "controller") return fetchMetadata(request, context);
  const usesTopicIds = context.apiVersion >= FIRST_VERSION_WITH_TOPIC_IDS;
  const session = context.fetchSessions.begin(request, usesTopicIds);
  if (session.kind === "error") {
    const { errorCode } = session;
    return answered({ throttleTimeMs: 0, errorCode, sessionId: NO_SESSION_ID, responses: [] });
  }
  const memory = new ReadLease(context.readBuffers);
  const call: Call = { request, session, limits: limitsOf(request, context), memory, context };
  if (session.kind === "incremental") session.session.parked?.interrupt();
  const fetched = readAll(call, true);
  if (!(fetched instanceof Promise) && isEnough(fetched, call)) {
    return { ...answered(fetchResponse(session, fetched, request, context)), memory };
  }
  const response = readUntilEnough(fetched, call);
  // A follower in a session may go on with its next request, which ends the wait of this one.
  if (call.limits.follower !== null && session.kind === "incremental") return { accepted: undefined, response, memory };
  // Replies are bounded in number this way: a client's next request waits for what it is being sent, as in Kafka.
  return { accepted: response.then(ignore, ignore), response, memory };
}

function limitsOf(request: FetchRequest, context: HandlerContext): FetchLimits {
  const { apiVersion } = context;
  const replicaId = followerIdOf(request);
  const isolation = request.isolationLevel === READ_COMMITTED ? "last-stable-offset" : "high-watermark";
  return {
    maxBytes: Math.min(request.maxBytes, context.config.get("fetch.max.bytes")),
    isolation: replicaId >= 0 ? "log-end" : isolation,
    usesTopicIds: apiVersion >= FIRST_VERSION_WITH_TOPIC_IDS,
    understandsZstd: apiVersion >= FIRST_VERSION_WITH_ZSTD,
    follower: replicaId >= 0 ? { replicaId, brokerEpoch: request.replicaState.replicaEpoch } : null,
    mayReadFollowers: apiVersion >= FIRST_VERSION_WITH_RACKS,
    rackId: request.rackId,
  };
}

/** Controllers serve one partition, the metadata log, to those who replicate it (KIP-595). */
function fetchMetadata(request: FetchRequest, context: HandlerContext): Staged<FetchResponse> {
  // A node replicates the metadata under the id of its broker: its death closes the connection.
  context.connection.brokerId = request.replicaState.replicaId;
  const response = context.services.quorum.fetch(request, context.apiVersion);
  return { accepted: response instanceof Promise ? response.then(ignore, ignore) : undefined, response };
}

function readAll(
  { session, limits, memory, context }: Call,
  credits: boolean,
): FetchedPartitions | Promise<FetchedPartitions> {
  const options = { limits, requests: session.partitions, lease: memory, credits };
  return new FetchReader(options, context.replicas).read();
}

function isEnough(fetched: FetchedPartitions, { request, limits }: Call): boolean {
  if (fetched.isUrgent || request.maxWaitMs <= 0 || fetched.partitions.length === 0) return true;
  return fetched.sizeBytes >= Math.min(request.minBytes, limits.maxBytes);
}

/** Reads again each time that enough may have come, until it has or the time is up. */
async function readUntilEnough(
  first: FetchedPartitions | Promise<FetchedPartitions>,
  call: Call,
): Promise<FetchResponse> {
  const { request, session, limits, memory, context } = call;
  const deadlineMs = context.clock.monotonic() + request.maxWaitMs;
  const epoch = session.kind === "incremental" ? session.session.epoch : null;
  let fetched = await first;
  while (!isEnough(fetched, call)) {
    // A follower's next request came while the disk was read.
    if (session.kind === "incremental" && session.session.epoch !== epoch) break;
    const remainingMs = deadlineMs - context.clock.monotonic();
    if (remainingMs <= 0 || context.connection.isClosed) break;
    const { isInterrupted } = await parked(fetched, remainingMs, call);
    if (isInterrupted || context.connection.isClosed) break;
    memory.release();
    fetched = await readAll(call, false);
    // Whatever wakes a follower, it is to hear of.
    if (limits.follower !== null) break;
  }
  const isOvertaken = session.kind === "incremental" && session.session.epoch !== epoch;
  return fetchResponse(session, fetched, request, context, isOvertaken);
}

/** Waits until enough may have come to the partitions, something about them changes, the time is up, or the client is gone. */
function parked(fetched: FetchedPartitions, remainingMs: number, call: Call): Promise<DelayedFetch> {
  const { request, session, limits, context } = call;
  const { isolation, maxBytes, follower } = limits;
  return new Promise(resolve => {
    const missingBytes = Math.min(request.minBytes, maxBytes) - fetched.sizeBytes;
    const operation = new DelayedFetch({ missingBytes, isolation }, () => {
      if (session.kind === "incremental" && session.session.parked === operation) session.session.parked = null;
      resolve(operation);
    });
    for (const { replica, isHeldBack } of fetched.partitions)
      if (replica !== null && isHeldBack !== true) operation.watch(replica);
    if (follower !== null && session.kind === "incremental") session.session.parked = operation;
    else context.connection.onClosed = () => operation.finish();
    context.replicas.timeouts.schedule(operation, remainingMs);
  });
}

function answered(response: FetchResponse): Staged<FetchResponse> {
  return { accepted: undefined, response };
}

function ignore(): void {}
