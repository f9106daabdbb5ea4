/**
 * Produce (0): appends record batches as leader.
 *
 * Each partition of a request succeeds or fails by itself. Batches are appended before anything else on the connection happens; the reply follows
 * when what `acks` asks for is true: `1` the batch is in the file (page cache), `all` it is on the disk of every in-sync replica, `0` no reply at
 * all, and a failure closes the connection.
 *
 * - v3–8: topics by name. v5 tells the log start offset, v7 allows zstd (KIP-110), v8 tells which records were wrong (KIP-467).
 * - v9: flexible. v10: where the leader is, when it is not here (KIP-951). v12: transactions v2 (KIP-890). v13: topics by id (KIP-516).
 */
import { Produce } from "../../protocol/apis/00-produce.ts";
import { Errors, errorMessage, errorName } from "../../protocol/errors.ts";
import { attributesAt, codecOf, isTransactional, RECORD_BATCH_OVERHEAD } from "../../protocol/records/batch.ts";
import { CODEC } from "../../protocol/records/compression/index.ts";
import type { RequestOf, ResponseInputOf } from "../../protocol/schema.ts";
import type { AppendOptions, AppendOutcome } from "../log/index.ts";
import { DelayedProduce, type ProduceOutcome } from "../replication/delayed-produce.ts";
import type { Partition } from "../replication/partition.ts";
import type { HandlerContext } from "./context.ts";
import { CloseConnectionError, orderedHandler, type Staged } from "./handler.ts";
import { leaderHint, nodeEndpoints } from "./leader-hint.ts";

type ProduceRequest = RequestOf<typeof Produce>;
type ProduceResponse = ResponseInputOf<typeof Produce>;
type TopicResponse = ProduceResponse["responses"][number];
type PartitionResponse = TopicResponse["partitionResponses"][number];

const ALL = -1;
const FIRST_VERSION_WITH_ZSTD = 7;
const FIRST_VERSION_WITH_LEADER_HINT = 10;
const FIRST_VERSION_WITH_TOPIC_IDS = 13;

export const produce = orderedHandler(Produce, handleProduce, (request, errorCode, message) => ({
  responses: request.topicData.map(topic => ({
    name: topic.name,
    topicId: topic.topicId,
    partitionResponses: topic.partitionData.map(({ index }) => failure(index, errorCode, message)),
  })),
}));

/** A batch that was appended, for the acknowledgement that follows. */
interface Appended {
  readonly partition: Partition;
  /** The offset after its last record. */
  readonly endOffset: number;
  readonly response: PartitionResponse;
}

function handleProduce(request: ProduceRequest, context: HandlerContext): Staged<ProduceResponse> {
  const { acks } = request;
  if (acks !== ALL && acks !== 0 && acks !== 1) return answered(refuse(request, Errors.INVALID_REQUIRED_ACKS));
  if (request.transactionalId === null && hasTransactionalBatch(request)) {
    return answered(refuse(request, Errors.TRANSACTIONAL_ID_AUTHORIZATION_FAILED));
  }
  const appended = new AppendedBatches();
  const responses = appendAll(request, context, appended);
  const response: ProduceResponse = { responses, throttleTimeMs: 0 };
  if (context.apiVersion >= FIRST_VERSION_WITH_LEADER_HINT) addLeaderHints(response, context);
  if (acks === 0) {
    closeOnFailure(responses);
    return { accepted: undefined, response: null };
  }
  const batches = appended.all;
  if (batches.length === 0) return answered(response);
  const acknowledged =
    acks === ALL ? whenFlushed(batches, request.timeoutMs, context, response) : whenWritten(batches, context, response);
  return { accepted: undefined, response: acknowledged };
}

/** Most requests have one batch: a list that never grows takes a fifth of the memory of one that might. */
class AppendedBatches {
  #batches: Appended[] | null = null;

  add(batch: Appended): void {
    if (this.#batches === null) this.#batches = [batch];
    else this.#batches.push(batch);
  }

  /** In the order in which they were added. */
  get all(): readonly Appended[] {
    return this.#batches ?? NONE;
  }
}

const NONE: readonly Appended[] = [];

/** The same object for every append: nobody keeps it, and appends do not nest. */
const appendOptions: { -readonly [K in keyof AppendOptions]: AppendOptions[K] } = {
  origin: "client",
  retain: false,
  leaderEpoch: -1,
  nowMs: 0,
};

function appendAll(request: ProduceRequest, context: HandlerContext, appended: AppendedBatches): TopicResponse[] {
  const usesTopicIds = context.apiVersion >= FIRST_VERSION_WITH_TOPIC_IDS;
  const { replicas } = context;
  appendOptions.retain = context.ownsRequestBytes;
  appendOptions.nowMs = context.clock.now();
  const { topicData } = request;
  const responses = new Array<TopicResponse>(topicData.length);
  for (let topicIndex = 0; topicIndex < topicData.length; topicIndex += 1) {
    const { name, topicId, partitionData } = topicData[topicIndex]!;
    const partitionResponses = new Array<PartitionResponse>(partitionData.length);
    for (let position = 0; position < partitionData.length; position += 1) {
      const { index, records } = partitionData[position]!;
      const partition = usesTopicIds ? replicas.getById(topicId, index) : replicas.get(name, index);
      if (partition === undefined) {
        const errorCode = usesTopicIds ? replicas.whyNotById(topicId, index) : replicas.whyNot(name, index);
        partitionResponses[position] = failure(index, errorCode);
      } else {
        partitionResponses[position] = appendOne(request.acks, partition, records, context, appended);
      }
    }
    responses[topicIndex] = { name, topicId, partitionResponses };
  }
  return responses;
}

function appendOne(
  acks: number,
  partition: Partition,
  records: Buffer | null,
  context: HandlerContext,
  appended: AppendedBatches,
): PartitionResponse {
  const { index } = partition;
  const errorCode = checkAppend(acks, partition, records, context.apiVersion);
  if (errorCode !== Errors.NONE) return reject(context, failure(index, errorCode));
  appendOptions.leaderEpoch = partition.leaderEpoch;
  const outcome = partition.append(records!, appendOptions);
  if (!outcome.ok) return reject(context, appendFailure(index, outcome));
  const response: PartitionResponse = {
    index,
    errorCode: Errors.NONE,
    baseOffset: outcome.baseOffset,
    logAppendTimeMs: outcome.logAppendTimeMs,
    logStartOffset: outcome.logStartOffset,
    recordErrors: NO_RECORD_ERRORS,
  };
  appended.add({ partition, endOffset: outcome.lastOffset + 1, response });
  return response;
}

const NO_RECORD_ERRORS: [] = [];

/** What can be said before the batch is looked into. */
function checkAppend(acks: number, partition: Partition, records: Buffer | null, version: number): number {
  const errorCode = partition.check(-1);
  if (errorCode !== Errors.NONE) return errorCode;
  if (partition.isInternal) return Errors.INVALID_TOPIC_EXCEPTION;
  if (records === null) return Errors.INVALID_RECORD;
  // Anything shorter is for the log to judge.
  const attributes = records.length < RECORD_BATCH_OVERHEAD ? 0 : attributesAt(records, 0);
  if (version < FIRST_VERSION_WITH_ZSTD && codecOf(attributes) === CODEC.zstd) {
    return Errors.UNSUPPORTED_COMPRESSION_TYPE;
  }
  // No transaction coordinator runs here that could have begun this transaction; Kafka answers the same when it cannot ask its own.
  if (isTransactional(attributes)) return Errors.NOT_ENOUGH_REPLICAS;
  if (acks === ALL && partition.isUnderMinIsr) return Errors.NOT_ENOUGH_REPLICAS;
  return Errors.NONE;
}

function hasTransactionalBatch({ topicData }: ProduceRequest): boolean {
  for (let topicIndex = 0; topicIndex < topicData.length; topicIndex += 1) {
    const { partitionData } = topicData[topicIndex]!;
    for (let position = 0; position < partitionData.length; position += 1) {
      const { records } = partitionData[position]!;
      if (records === null || records.length < RECORD_BATCH_OVERHEAD) continue;
      if (isTransactional(attributesAt(records, 0))) return true;
    }
  }
  return false;
}

/** Waits until the batches are in the files. */
async function whenWritten(
  appended: readonly Appended[],
  context: HandlerContext,
  response: ProduceResponse,
): Promise<ProduceResponse> {
  await context.replicas.afterWrites();
  for (const batch of appended) {
    if (!batch.partition.isWritten(batch.endOffset)) fail(batch, Errors.KAFKA_STORAGE_ERROR);
  }
  return response;
}

/** Answers once the batches are durable on all in-sync replicas, or the time is up. */
class Acknowledgement implements ProduceOutcome<Appended> {
  readonly #response: ProduceResponse;
  readonly #resolve: (response: ProduceResponse) => void;

  constructor(response: ProduceResponse, resolve: (response: ProduceResponse) => void) {
    this.#response = response;
    this.#resolve = resolve;
  }

  failed(batch: Appended, errorCode: number): void {
    fail(batch, errorCode);
  }

  completed(): void {
    this.#resolve(this.#response);
  }
}

/** Resolves with `response` when the batches are durable on all in-sync replicas, or the time is up. */
function whenFlushed(
  appended: readonly Appended[],
  timeoutMs: number,
  context: HandlerContext,
  response: ProduceResponse,
): Promise<ProduceResponse> {
  const { promise, resolve } = Promise.withResolvers<ProduceResponse>();
  const operation = new DelayedProduce<Appended>(new Acknowledgement(response, resolve));
  for (let index = 0; index < appended.length; index += 1) {
    const batch = appended[index]!;
    operation.await(batch.partition, batch.endOffset, batch);
  }
  operation.begin(context.replicas.timeouts, timeoutMs);
  return promise;
}

/** Turns the response of a batch that was appended into a failure. */
function fail({ response }: Appended, errorCode: number): void {
  response.errorCode = errorCode;
  response.errorMessage = errorMessage(errorCode);
  response.baseOffset = -1;
  response.logAppendTimeMs = -1;
  response.logStartOffset = -1;
}

function failure(index: number, errorCode: number, message = errorMessage(errorCode)): PartitionResponse {
  return {
    index,
    errorCode,
    baseOffset: -1,
    logAppendTimeMs: -1,
    logStartOffset: -1,
    recordErrors: NO_RECORD_ERRORS,
    errorMessage: message,
  };
}

function appendFailure(index: number, outcome: AppendOutcome & { ok: false }): PartitionResponse {
  const response = failure(index, outcome.errorCode, outcome.message);
  if (outcome.recordErrors !== undefined) {
    response.recordErrors = outcome.recordErrors.map(({ batchIndex, message }) => ({
      batchIndex,
      batchIndexErrorMessage: message,
    }));
  }
  return response;
}

function reject(context: HandlerContext, response: PartitionResponse): PartitionResponse {
  context.metrics.counter("samsa_rejected_batches_total", { error: errorName(response.errorCode) }).increment();
  return response;
}

function refuse(request: ProduceRequest, errorCode: number): ProduceResponse {
  return {
    responses: request.topicData.map(({ name, topicId, partitionData }) => ({
      name,
      topicId,
      partitionResponses: partitionData.map(({ index }) => failure(index, errorCode)),
    })),
  };
}

function answered(response: ProduceResponse): Staged<ProduceResponse> {
  return { accepted: undefined, response };
}

/** With acks=0 nobody reads a reply; closing the connection makes the client look for the leader again. */
function closeOnFailure(responses: readonly TopicResponse[]): void {
  for (const { name, topicId, partitionResponses } of responses) {
    for (const { index, errorCode } of partitionResponses) {
      if (errorCode === Errors.NONE) continue;
      throw new CloseConnectionError(`produce with acks=0 to ${name || topicId}-${index}: ${errorName(errorCode)}`);
    }
  }
}

function addLeaderHints(response: ProduceResponse, context: HandlerContext): void {
  const leaders: number[] = [];
  for (const { name, topicId, partitionResponses } of response.responses) {
    for (const partition of partitionResponses) {
      if (partition.errorCode !== Errors.NOT_LEADER_OR_FOLLOWER) continue;
      const topic = name || (context.replicas.topicName(topicId!) ?? "");
      const hint = leaderHint(context.metadata.image, topic, partition.index);
      partition.currentLeader = hint;
      leaders.push(hint.leaderId);
    }
  }
  if (leaders.length > 0) response.nodeEndpoints = nodeEndpoints(context, leaders);
}
