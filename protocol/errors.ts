/**
 * The errors of the protocol: one table of name, code, whether a client may retry, and what it means.
 *
 * `Errors.NOT_LEADER_OR_FOLLOWER` is a code, typed as that very number. Expected failures travel as such codes; {@link ApiError} carries
 * one through code that has to throw.
 */

/** Trying again cannot help. */
const FINAL = "final";
/** Trying again may help. */
const RETRY = "retry";
/** Trying again may help once the client has asked for fresh metadata. */
const REFRESH = "refresh";

// biome-ignore format: one error a line
const table = [
  ["UNKNOWN_SERVER_ERROR", -1, FINAL, "An unexpected error happened in the broker; its log says more."],
  ["NONE", 0, FINAL, ""],
  ["OFFSET_OUT_OF_RANGE", 1, FINAL, "The offset is outside the range of offsets that the partition holds."],
  ["CORRUPT_MESSAGE", 2, RETRY, "The data is damaged: it fails its checksum, has an impossible size or is not valid in another way."],
  ["UNKNOWN_TOPIC_OR_PARTITION", 3, REFRESH, "The broker does not have this topic or partition."],
  ["INVALID_FETCH_SIZE", 4, FINAL, "The fetch size is not valid."],
  ["LEADER_NOT_AVAILABLE", 5, REFRESH, "The partition has no leader just now; an election may be under way."],
  ["NOT_LEADER_OR_FOLLOWER", 6, REFRESH, "This broker is not the leader of the partition, or not one of its replicas."],
  ["REQUEST_TIMED_OUT", 7, RETRY, "The request did not complete within its time limit."],
  ["BROKER_NOT_AVAILABLE", 8, FINAL, "The broker is not available."],
  ["REPLICA_NOT_AVAILABLE", 9, REFRESH, "The replica is not available on this broker."],
  ["MESSAGE_TOO_LARGE", 10, FINAL, "The record batch is larger than the largest that the topic accepts."],
  ["STALE_CONTROLLER_EPOCH", 11, FINAL, "The controller's epoch is older than the one the broker knows."],
  ["OFFSET_METADATA_TOO_LARGE", 12, FINAL, "The metadata of the committed offset is longer than the broker accepts."],
  ["NETWORK_EXCEPTION", 13, REFRESH, "The connection was lost before a response came."],
  ["COORDINATOR_LOAD_IN_PROGRESS", 14, RETRY, "The coordinator is still loading its state."],
  ["COORDINATOR_NOT_AVAILABLE", 15, REFRESH, "The coordinator is not available."],
  ["NOT_COORDINATOR", 16, REFRESH, "This broker is not the coordinator."],
  ["INVALID_TOPIC_EXCEPTION", 17, FINAL, "The topic's name is not valid, or the topic must not be used like this."],
  ["RECORD_LIST_TOO_LARGE", 18, FINAL, "The record batch is larger than a log segment."],
  ["NOT_ENOUGH_REPLICAS", 19, RETRY, "Fewer replicas are in sync than the topic's minimum."],
  ["NOT_ENOUGH_REPLICAS_AFTER_APPEND", 20, RETRY, "The records were written, but to fewer in-sync replicas than the topic's minimum."],
  ["INVALID_REQUIRED_ACKS", 21, FINAL, "The number of acknowledgements must be 0, 1 or -1 (all)."],
  ["ILLEGAL_GENERATION", 22, FINAL, "The generation is not the group's current one."],
  ["INCONSISTENT_GROUP_PROTOCOL", 23, FINAL, "The member's protocols or protocol type do not fit those of the group."],
  ["INVALID_GROUP_ID", 24, FINAL, "The group id is not valid."],
  ["UNKNOWN_MEMBER_ID", 25, FINAL, "The coordinator does not know this member."],
  ["INVALID_SESSION_TIMEOUT", 26, FINAL, "The session timeout is outside the range that the broker allows."],
  ["REBALANCE_IN_PROGRESS", 27, FINAL, "The group is rebalancing; the member must join again."],
  ["INVALID_COMMIT_OFFSET_SIZE", 28, FINAL, "The commit of offsets is too large."],
  ["TOPIC_AUTHORIZATION_FAILED", 29, FINAL, "Not allowed to use this topic."],
  ["GROUP_AUTHORIZATION_FAILED", 30, FINAL, "Not allowed to use this group."],
  ["CLUSTER_AUTHORIZATION_FAILED", 31, FINAL, "Not allowed to do this on the cluster."],
  ["INVALID_TIMESTAMP", 32, FINAL, "A record's timestamp is outside the range that the topic allows."],
  ["UNSUPPORTED_SASL_MECHANISM", 33, FINAL, "The broker does not support this SASL mechanism."],
  ["ILLEGAL_SASL_STATE", 34, FINAL, "This request does not fit the state of the SASL authentication."],
  ["UNSUPPORTED_VERSION", 35, FINAL, "The broker does not support this version of the API."],
  ["TOPIC_ALREADY_EXISTS", 36, FINAL, "A topic with this name exists already."],
  ["INVALID_PARTITIONS", 37, FINAL, "The number of partitions is not valid."],
  ["INVALID_REPLICATION_FACTOR", 38, FINAL, "The replication factor is below 1, or larger than the number of available brokers."],
  ["INVALID_REPLICA_ASSIGNMENT", 39, FINAL, "The assignment of replicas is not valid."],
  ["INVALID_CONFIG", 40, FINAL, "The configuration is not valid."],
  ["NOT_CONTROLLER", 41, RETRY, "This is not the active controller."],
  ["INVALID_REQUEST", 42, FINAL, "The request is not well-formed, or its fields contradict each other."],
  ["UNSUPPORTED_FOR_MESSAGE_FORMAT", 43, FINAL, "The topic's message format does not support this."],
  ["POLICY_VIOLATION", 44, FINAL, "The request violates a policy of the cluster."],
  ["OUT_OF_ORDER_SEQUENCE_NUMBER", 45, FINAL, "The producer's sequence number does not follow the last one."],
  ["DUPLICATE_SEQUENCE_NUMBER", 46, FINAL, "The producer's sequence number was seen before."],
  ["INVALID_PRODUCER_EPOCH", 47, FINAL, "The producer's epoch is older than the current one."],
  ["INVALID_TXN_STATE", 48, FINAL, "The transaction is not in a state that allows this."],
  ["INVALID_PRODUCER_ID_MAPPING", 49, FINAL, "The producer id is not the one that belongs to the transactional id."],
  ["INVALID_TRANSACTION_TIMEOUT", 50, FINAL, "The transaction timeout is longer than the broker allows, or not positive."],
  ["CONCURRENT_TRANSACTIONS", 51, RETRY, "Another operation on this transaction is still under way."],
  ["TRANSACTION_COORDINATOR_FENCED", 52, FINAL, "The transaction coordinator that sent this is no longer the current one."],
  ["TRANSACTIONAL_ID_AUTHORIZATION_FAILED", 53, FINAL, "Not allowed to use this transactional id."],
  ["SECURITY_DISABLED", 54, FINAL, "Security features are switched off on this broker."],
  ["OPERATION_NOT_ATTEMPTED", 55, FINAL, "This was not attempted, because another part of the same request failed."],
  ["KAFKA_STORAGE_ERROR", 56, REFRESH, "The broker could not read or write its disk; the log directory is offline."],
  ["LOG_DIR_NOT_FOUND", 57, FINAL, "The broker has no such log directory."],
  ["SASL_AUTHENTICATION_FAILED", 58, FINAL, "SASL authentication failed."],
  ["UNKNOWN_PRODUCER_ID", 59, FINAL, "The broker knows nothing of this producer id; its records may have been deleted."],
  ["REASSIGNMENT_IN_PROGRESS", 60, FINAL, "The partition is being reassigned already."],
  ["DELEGATION_TOKEN_AUTH_DISABLED", 61, FINAL, "Delegation tokens are switched off on this broker."],
  ["DELEGATION_TOKEN_NOT_FOUND", 62, FINAL, "There is no such delegation token."],
  ["DELEGATION_TOKEN_OWNER_MISMATCH", 63, FINAL, "The requester neither owns the delegation token nor may renew it."],
  ["DELEGATION_TOKEN_REQUEST_NOT_ALLOWED", 64, FINAL, "Delegation tokens cannot be requested over this connection."],
  ["DELEGATION_TOKEN_AUTHORIZATION_FAILED", 65, FINAL, "Not allowed to use this delegation token."],
  ["DELEGATION_TOKEN_EXPIRED", 66, FINAL, "The delegation token has expired."],
  ["INVALID_PRINCIPAL_TYPE", 67, FINAL, "The type of principal is not supported."],
  ["NON_EMPTY_GROUP", 68, FINAL, "The group still has members."],
  ["GROUP_ID_NOT_FOUND", 69, FINAL, "There is no such group."],
  ["FETCH_SESSION_ID_NOT_FOUND", 70, RETRY, "The broker knows no fetch session with this id."],
  ["INVALID_FETCH_SESSION_EPOCH", 71, RETRY, "The fetch session's epoch is not the expected one."],
  ["LISTENER_NOT_FOUND", 72, REFRESH, "The leader has no endpoint on this listener."],
  ["TOPIC_DELETION_DISABLED", 73, FINAL, "Deleting topics is switched off on this cluster."],
  ["FENCED_LEADER_EPOCH", 74, REFRESH, "The leader epoch of the request is older than the broker's."],
  ["UNKNOWN_LEADER_EPOCH", 75, RETRY, "The leader epoch of the request is newer than the broker's."],
  ["UNSUPPORTED_COMPRESSION_TYPE", 76, FINAL, "The broker or this version of the request does not support the batch's compression."],
  ["STALE_BROKER_EPOCH", 77, FINAL, "The broker's epoch is not its current one."],
  ["OFFSET_NOT_AVAILABLE", 78, RETRY, "The new leader does not know the offset yet; its high watermark has to catch up first."],
  ["MEMBER_ID_REQUIRED", 79, FINAL, "The member must send the join request again with the member id of this response."],
  ["PREFERRED_LEADER_NOT_AVAILABLE", 80, REFRESH, "The preferred leader is not available."],
  ["GROUP_MAX_SIZE_REACHED", 81, FINAL, "The group is full."],
  ["FENCED_INSTANCE_ID", 82, FINAL, "Another member with the same instance id has taken this member's place."],
  ["ELIGIBLE_LEADERS_NOT_AVAILABLE", 83, REFRESH, "No replica is eligible to become the leader."],
  ["ELECTION_NOT_NEEDED", 84, REFRESH, "The partition's leader is the wanted one already."],
  ["NO_REASSIGNMENT_IN_PROGRESS", 85, FINAL, "No reassignment of the partition is under way."],
  ["GROUP_SUBSCRIBED_TO_TOPIC", 86, FINAL, "A member of the group is subscribed to the topic, so its offsets cannot be deleted."],
  ["INVALID_RECORD", 87, FINAL, "The broker rejected a record because it is not valid."],
  ["UNSTABLE_OFFSET_COMMIT", 88, RETRY, "Offsets of the group are part of a transaction that has not ended."],
  ["THROTTLING_QUOTA_EXCEEDED", 89, RETRY, "The quota is used up for now."],
  ["PRODUCER_FENCED", 90, FINAL, "A newer producer with the same transactional id has taken over."],
  ["RESOURCE_NOT_FOUND", 91, FINAL, "There is no such resource."],
  ["DUPLICATE_RESOURCE", 92, FINAL, "The same resource is named more than once."],
  ["UNACCEPTABLE_CREDENTIAL", 93, FINAL, "The credential is not acceptable."],
  ["INCONSISTENT_VOTER_SET", 94, FINAL, "The set of voters differs between the two ends."],
  ["INVALID_UPDATE_VERSION", 95, FINAL, "The version of the update is not valid."],
  ["FEATURE_UPDATE_FAILED", 96, FINAL, "The feature could not be updated."],
  ["PRINCIPAL_DESERIALIZATION_FAILURE", 97, FINAL, "The principal of the forwarded request could not be read."],
  ["SNAPSHOT_NOT_FOUND", 98, FINAL, "There is no such snapshot."],
  ["POSITION_OUT_OF_RANGE", 99, FINAL, "The position is outside the snapshot."],
  ["UNKNOWN_TOPIC_ID", 100, REFRESH, "The broker does not have a topic with this id."],
  ["DUPLICATE_BROKER_REGISTRATION", 101, FINAL, "Another broker with the same id is registered."],
  ["BROKER_ID_NOT_REGISTERED", 102, FINAL, "No broker with this id is registered."],
  ["INCONSISTENT_TOPIC_ID", 103, REFRESH, "The topic id is not the one the log directory has for this topic."],
  ["INCONSISTENT_CLUSTER_ID", 104, FINAL, "The cluster id is not that of this cluster."],
  ["TRANSACTIONAL_ID_NOT_FOUND", 105, FINAL, "There is no such transactional id."],
  ["FETCH_SESSION_TOPIC_ID_ERROR", 106, RETRY, "The fetch session names topics both by name and by id."],
  ["INELIGIBLE_REPLICA", 107, FINAL, "The replica may not join the in-sync replicas now."],
  ["NEW_LEADER_ELECTED", 108, FINAL, "The change was made, and the partition has a new leader with it."],
  ["OFFSET_MOVED_TO_TIERED_STORAGE", 109, FINAL, "The offset is in remote storage."],
  ["FENCED_MEMBER_EPOCH", 110, FINAL, "The member's epoch is older or newer than the coordinator's; the member must rejoin."],
  ["UNRELEASED_INSTANCE_ID", 111, FINAL, "The instance id is still held by another member."],
  ["UNSUPPORTED_ASSIGNOR", 112, FINAL, "The coordinator does not have the wanted assignor, or the members have none in common."],
  ["STALE_MEMBER_EPOCH", 113, FINAL, "The member's epoch is not its current one; it will learn the new one by heartbeat."],
  ["MISMATCHED_ENDPOINT_TYPE", 114, FINAL, "The request belongs on a listener of the other kind, broker or controller."],
  ["UNSUPPORTED_ENDPOINT_TYPE", 115, FINAL, "The type of endpoint is not known."],
  ["UNKNOWN_CONTROLLER_ID", 116, FINAL, "No controller with this id is registered."],
  ["UNKNOWN_SUBSCRIPTION_ID", 117, FINAL, "The telemetry subscription is not the client's current one."],
  ["TELEMETRY_TOO_LARGE", 118, FINAL, "The telemetry is larger than the broker accepts."],
  ["INVALID_REGISTRATION", 119, FINAL, "The registration is not valid."],
  ["TRANSACTION_ABORTABLE", 120, FINAL, "The operation failed in a way that leaves the transaction only to be aborted."],
  ["INVALID_RECORD_STATE", 121, FINAL, "The record is not in a state that allows this acknowledgement."],
  ["SHARE_SESSION_NOT_FOUND", 122, RETRY, "The broker has no such share session."],
  ["INVALID_SHARE_SESSION_EPOCH", 123, RETRY, "The share session's epoch is not the expected one."],
  ["FENCED_STATE_EPOCH", 124, FINAL, "The share partition's state epoch is older than the one the coordinator has."],
  ["INVALID_VOTER_KEY", 125, FINAL, "The voter's id and directory id do not fit the receiving replica."],
  ["DUPLICATE_VOTER", 126, FINAL, "The voter is in the set of voters already."],
  ["VOTER_NOT_FOUND", 127, FINAL, "The voter is not in the set of voters."],
  ["INVALID_REGULAR_EXPRESSION", 128, FINAL, "The regular expression is not valid."],
  ["REBOOTSTRAP_REQUIRED", 129, FINAL, "The client must start over from its bootstrap servers."],
  ["STREAMS_INVALID_TOPOLOGY", 130, FINAL, "The topology is not valid."],
  ["STREAMS_INVALID_TOPOLOGY_EPOCH", 131, FINAL, "The topology's epoch is not valid."],
  ["STREAMS_TOPOLOGY_FENCED", 132, FINAL, "The topology's epoch is older than the group's."],
  ["SHARE_SESSION_LIMIT_REACHED", 133, RETRY, "The broker can hold no more share sessions."],
] as const;

type Row = (typeof table)[number];

/** The name of an error, as Kafka prints it. */
export type ErrorName = Row[0];
/** The code of an error, as it stands in responses. */
export type ErrorCode = Row[1];

/** What there is to know of an error. */
export interface ErrorInfo {
  readonly name: ErrorName;
  readonly code: ErrorCode;
  /** Whether a client that tries again may succeed. */
  readonly retriable: boolean;
  /** Whether it should refresh its metadata first. */
  readonly refreshMetadata: boolean;
  /** A sentence for people; empty for NONE. */
  readonly message: string;
}

/** All errors, by ascending code. */
export const errors: readonly ErrorInfo[] = table.map(([name, code, kind, message]) =>
  Object.freeze({ name, code, retriable: kind !== FINAL, refreshMetadata: kind === REFRESH, message }),
);

/** Codes by name. */
export const Errors = Object.freeze(Object.fromEntries(table.map(([name, code]) => [name, code]))) as {
  readonly [R in Row as R[0]]: R[1];
};

const byCode = new Map<number, ErrorInfo>(errors.map(error => [error.code, error]));

/** The error with this code. A code that nobody knows counts as UNKNOWN_SERVER_ERROR, as in Kafka. */
export function errorInfo(code: number): ErrorInfo {
  return byCode.get(code) ?? errors[0];
}

/** The name of an error code; `UNKNOWN(code)` for one that nobody knows. */
export function errorName(code: number): string {
  return byCode.get(code)?.name ?? `UNKNOWN(${code})`;
}

/** The sentence that explains an error code. */
export function errorMessage(code: number): string {
  return errorInfo(code).message;
}

/** A failure that has a code of the protocol. Thrown in a handler, it becomes that API's error response. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly code: number;

  /**
   * @param code one of {@link Errors}
   * @param message what went wrong, for the client to read; the table's sentence when left out
   */
  constructor(code: number, message: string = errorMessage(code)) {
    super(message);
    this.code = code;
  }
}
