/**
 * Fetch (1): reads record batches for consumers.
 *
 * Whole batches are sent as they lie in the log. A fetch that finds less than `minBytes` is parked for up to `maxWaitMs`; it is woken by its
 * partitions alone, when their high watermark rises, or by an error that the client must hear of.
 *
 * - v4: isolation level (KIP-98). v5: log start offset. v7: sessions (KIP-227). v9: the client's leader epoch (KIP-320). v10: zstd (KIP-110).
 * - v12: flexible; diverging epochs (KIP-595). v13: topics by id (KIP-516). v15: replica state (KIP-903). v16: where the leader is (KIP-951).
 */
import { Fetch } from "../../protocol/apis/01-fetch.ts";
import { ReadLease } from "../log/index.ts";
import { DelayedFetch } from "../replication/delayed-fetch.ts";
import type { HandlerContext } from "./context.ts";
import { type FetchedPartitions, type FetchLimits, FetchReader } from "./fetch/fetch-reader.ts";
import type { FetchRequest, FetchResponse } from "./fetch/fetch-request.ts";
import { fetchResponse } from "./fetch/fetch-response.ts";
import { type FetchContext, NO_SESSION_ID } from "./fetch/fetch-sessions.ts";
import { orderedHandler, type Staged } from "./handler.ts";

const READ_COMMITTED = 1;
const FIRST_VERSION_WITH_ZSTD = 10;
const FIRST_VERSION_WITH_TOPIC_IDS = 13;

export const fetch = orderedHandler(Fetch, handleFetch, (_request, errorCode) => ({
  throttleTimeMs: 0,
  errorCode,
  sessionId: NO_SESSION_ID,
  responses: [],
}));

function handleFetch(request: FetchRequest, context: HandlerContext): Staged<FetchResponse> {
  if (context.connection.listenerRole === "controller") return fetchMetadata(request, context);
  const usesTopicIds = context.apiVersion >= FIRST_VERSION_WITH_TOPIC_IDS;
  const session = context.fetchSessions.begin(request, usesTopicIds);
  if (session.kind === "error") {
    const { errorCode } = session;
    return answered({ throttleTimeMs: 0, errorCode, sessionId: NO_SESSION_ID, responses: [] });
  }
  const maxBytes = Math.min(request.maxBytes, context.config.get("fetch.max.bytes"));
  const limits: FetchLimits = {
    maxBytes,
    isolation: request.isolationLevel === READ_COMMITTED ? "last-stable-offset" : "high-watermark",
    usesTopicIds,
    understandsZstd: context.apiVersion >= FIRST_VERSION_WITH_ZSTD,
  };
  const memory = new ReadLease(context.readBuffers);
  const fetched = readAll(session, limits, memory, context);
  if (!(fetched instanceof Promise) && isEnough(fetched, request, maxBytes)) {
    return { ...answered(fetchResponse(session, fetched, request, context)), memory };
  }
  const response = readUntilEnough(fetched, session, limits, memory, request, context);
  // Replies are bounded in number this way: a client's next request waits for what it is being sent, as in Kafka.
  return { accepted: response.then(ignore, ignore), response, memory };
}

/** Controllers serve one partition, the metadata log, to those who replicate it (KIP-595). */
function fetchMetadata(request: FetchRequest, context: HandlerContext): Staged<FetchResponse> {
  const response = context.services.quorum.fetch(request, context.apiVersion);
  return { accepted: response instanceof Promise ? response.then(ignore, ignore) : undefined, response };
}

function readAll(
  session: Exclude<FetchContext, { kind: "error" }>,
  limits: FetchLimits,
  lease: ReadLease,
  context: HandlerContext,
): FetchedPartitions | Promise<FetchedPartitions> {
  return new FetchReader({ limits, requests: session.partitions, lease }, context.replicas).read();
}

function isEnough(fetched: FetchedPartitions, request: FetchRequest, maxBytes: number): boolean {
  if (fetched.isUrgent || request.maxWaitMs <= 0 || fetched.partitions.length === 0) return true;
  return fetched.sizeBytes >= Math.min(request.minBytes, maxBytes);
}

/** Reads again each time that enough may have come, until it has or the time is up. */
async function readUntilEnough(
  first: FetchedPartitions | Promise<FetchedPartitions>,
  session: Exclude<FetchContext, { kind: "error" }>,
  limits: FetchLimits,
  lease: ReadLease,
  request: FetchRequest,
  context: HandlerContext,
): Promise<FetchResponse> {
  const deadlineMs = context.clock.monotonic() + request.maxWaitMs;
  let fetched = await first;
  while (!isEnough(fetched, request, limits.maxBytes)) {
    const remainingMs = deadlineMs - context.clock.monotonic();
    if (remainingMs <= 0 || context.connection.isClosed) break;
    await parked(fetched, limits, request, remainingMs, context);
    if (context.connection.isClosed) break;
    lease.release();
    fetched = await readAll(session, limits, lease, context);
  }
  return fetchResponse(session, fetched, request, context);
}

/** Waits until enough may have come to the partitions, something about them changes, the time is up, or the client is gone. */
function parked(
  fetched: FetchedPartitions,
  { isolation, maxBytes }: FetchLimits,
  request: FetchRequest,
  remainingMs: number,
  context: HandlerContext,
): Promise<void> {
  return new Promise(resolve => {
    const missingBytes = Math.min(request.minBytes, maxBytes) - fetched.sizeBytes;
    const operation = new DelayedFetch({ missingBytes, isolation }, resolve);
    for (const { replica } of fetched.partitions) if (replica !== null) operation.watch(replica);
    context.connection.onClosed = () => operation.finish();
    context.replicas.timeouts.schedule(operation, remainingMs);
  });
}

function answered(response: FetchResponse): Staged<FetchResponse> {
  return { accepted: undefined, response };
}

function ignore(): void {}
