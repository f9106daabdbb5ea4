/**
 * Every metric of the broker. Code, endpoint and docs/metrics.md come from this table: a name that is not here does not compile.
 *
 * Names follow Prometheus: `samsa_<what>_<unit>`, counters end in `_total`, base units (seconds, bytes). Labels are few and bounded: never
 * a client id, never a group.
 */

export type MetricType = "counter" | "gauge" | "histogram";

export interface MetricDefinition {
  readonly type: MetricType;
  readonly help: string;
  readonly labels: readonly string[];
  /** Upper bounds of a histogram's buckets, ascending; the one up to infinity is implied. */
  readonly buckets?: readonly number[];
}

/** From 50 µs, a cached fetch, to 10 s, a long poll. */
const SECONDS = [
  0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
] as const;
/** From a single small record to the largest request. */
const BYTES = [
  128, 512, 2_048, 8_192, 32_768, 131_072, 524_288, 2_097_152, 8_388_608, 33_554_432, 134_217_728,
] as const;
const COUNTS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024] as const;

function counter<const L extends readonly string[] = readonly []>(help: string, labels?: L) {
  return { type: "counter", help, labels: (labels ?? []) as L } as const;
}

function gauge<const L extends readonly string[] = readonly []>(help: string, labels?: L) {
  return { type: "gauge", help, labels: (labels ?? []) as L } as const;
}

function histogram<const L extends readonly string[] = readonly []>(
  help: string,
  buckets: readonly number[],
  labels?: L,
) {
  return { type: "histogram", help, labels: (labels ?? []) as L, buckets } as const;
}

export const metricsTable = {
  // Connections and requests
  samsa_connections_open: gauge("Connections open now.", ["listener"]),
  samsa_connections_accepted_total: counter("Connections accepted.", ["listener"]),
  samsa_connections_rejected_total: counter("Connections closed at accept, by the limit they ran into.", [
    "listener",
    "reason",
  ]),
  samsa_connections_closed_total: counter(
    "Connections closed by the broker, by reason; those closed by clients have reason `client`.",
    ["listener", "reason"],
  ),
  samsa_received_bytes_total: counter("Bytes received from clients and other brokers.", ["listener"]),
  samsa_sent_bytes_total: counter("Bytes sent to clients and other brokers.", ["listener"]),
  samsa_requests_total: counter("Requests answered.", ["api"]),
  samsa_request_errors_total: counter("Error codes in responses, once for each place they stand in.", ["api", "error"]),
  samsa_request_duration_seconds: histogram(
    "From a request's last byte to its response being handed to the socket.",
    SECONDS,
    ["api"],
  ),
  samsa_request_size_bytes: histogram("Size of requests.", BYTES, ["api"]),
  samsa_requests_in_flight: gauge("Requests received and not yet answered."),
  samsa_request_bytes_in_flight: gauge("Bytes of requests received and not yet answered."),
  samsa_unsent_response_bytes: gauge("Response bytes written and not yet taken by the kernel."),
  samsa_delayed_operations: gauge("Requests parked until a condition or their time limit.", ["operation"]),
  samsa_malformed_requests_total: counter("Requests that could not be decoded; each closed its connection."),

  // Produce and fetch
  samsa_produced_records_total: counter("Records appended for producers.", ["topic"]),
  samsa_produced_bytes_total: counter("Bytes of record batches appended for producers.", ["topic"]),
  samsa_fetched_bytes_total: counter("Bytes of record batches sent to consumers.", ["topic"]),
  samsa_replica_fetched_bytes_total: counter("Bytes of record batches sent to followers."),
  samsa_replica_received_bytes_total: counter("Bytes of record batches received from leaders."),
  samsa_rejected_batches_total: counter("Record batches refused, by error name.", ["error"]),
  samsa_fetch_sessions: gauge("Incremental fetch sessions cached."),

  // Log
  samsa_log_flush_duration_seconds: histogram("One group commit: all files of one round made durable.", SECONDS),
  samsa_log_flush_files: histogram("Files made durable in one group commit.", COUNTS),
  samsa_log_appended_bytes_total: counter("Bytes written to segment files."),
  samsa_log_writes_total: counter("System calls that wrote to segment files."),
  samsa_log_cache_hits_total: counter("Reads answered from the tail cache."),
  samsa_log_cache_misses_total: counter("Reads that went to a segment file."),
  samsa_log_cache_bytes: gauge("Bytes held by the tail cache."),
  samsa_log_segments: gauge("Segments of all partitions."),
  samsa_log_size_bytes: gauge("Size of a partition's segments.", ["topic", "partition"]),
  samsa_log_start_offset: gauge("First offset of a partition.", ["topic", "partition"]),
  samsa_log_end_offset: gauge("Offset that the next record of a partition gets.", ["topic", "partition"]),
  samsa_log_truncations_total: counter("Times that records were cut off the end of a log, by cause.", ["cause"]),
  samsa_log_corruptions_total: counter("Corrupt batches or indexes found."),
  samsa_log_cleaning_duration_seconds: histogram("One compaction of one log.", SECONDS),
  samsa_log_cleaner_read_bytes_total: counter("Bytes of segments read by compaction."),
  samsa_log_cleaner_written_bytes_total: counter("Bytes of segments written by compaction."),
  samsa_log_cleaner_dirty_ratio: gauge("Largest share of a compacted log that was never compacted."),
  samsa_log_cleaner_uncleanable_logs: gauge("Logs that compaction gave up on; the log says why."),
  samsa_log_directories_offline: gauge("Log directories taken offline after a disk error."),
  samsa_log_directory_free_bytes: gauge("Free bytes of a log directory's volume.", ["directory"]),

  // Replication
  samsa_partitions: gauge("Partitions hosted here, by role.", ["role"]),
  samsa_partition_high_watermark: gauge("High watermark of a partition.", ["topic", "partition"]),
  samsa_under_replicated_partitions: gauge("Partitions led here with fewer in-sync replicas than replicas."),
  samsa_under_min_isr_partitions: gauge("Partitions led here with fewer in-sync replicas than min.insync.replicas."),
  samsa_at_min_isr_partitions: gauge("Partitions led here with no more in-sync replicas than min.insync.replicas."),
  samsa_isr_shrinks_total: counter("Replicas removed from the in-sync set of partitions led here."),
  samsa_isr_expands_total: counter("Replicas added to the in-sync set of partitions led here."),
  samsa_replica_lag_records: gauge(
    "Committed records that a follower here does not have yet, as far as its leader has told; 0 for leaders.",
    ["topic", "partition"],
  ),

  // Groups
  samsa_groups: gauge("Groups that this broker coordinates.", ["protocol", "state"]),
  samsa_group_members: gauge("Members of the groups that this broker coordinates.", ["protocol"]),
  samsa_offsets: gauge("Committed offsets that this broker keeps, one for each group and partition."),
  samsa_group_rebalances_total: counter(
    "Rebalances: generations of classic groups, target assignments of consumer groups.",
    ["protocol"],
  ),
  samsa_group_members_expired_total: counter(
    "Members thrown out of their group: no heartbeat within the session, or too late for a rebalance.",
  ),
  samsa_offset_commits_total: counter("Offsets of partitions committed."),
  samsa_offsets_expired_total: counter("Committed offsets removed after their retention time."),
  samsa_group_coordinator_partitions: gauge(
    "Partitions of `__consumer_offsets` led here: being replayed, and coordinating.",
    ["state"],
  ),
  samsa_group_coordinator_load_seconds: histogram(
    "From leading a partition of `__consumer_offsets` to coordinating its groups.",
    SECONDS,
  ),

  // Metadata and controller
  samsa_metadata_applied_offset: gauge("Last metadata record applied here."),
  samsa_metadata_committed_offset: gauge("High watermark of the metadata log."),
  samsa_metadata_snapshots_total: counter("Metadata snapshots written."),
  samsa_controller_active: gauge("1 on the active controller, 0 elsewhere."),
  samsa_controller_epoch: gauge("Epoch of the metadata quorum's leader."),
  samsa_controller_request_duration_seconds: histogram(
    "From a controller request to its records being committed.",
    SECONDS,
  ),
  samsa_controller_topics: gauge("Topics of the cluster."),
  samsa_controller_partitions: gauge("Partitions of the cluster."),
  samsa_controller_brokers: gauge("Registered brokers, by state.", ["state"]),
  samsa_controller_offline_partitions: gauge("Partitions of the cluster without a leader."),
  samsa_controller_under_replicated_partitions: gauge("Partitions of the cluster that miss replicas in sync."),
  samsa_controller_under_min_isr_partitions: gauge("Partitions of the cluster below min.insync.replicas."),
  samsa_controller_imbalanced_partitions: gauge("Partitions of the cluster not led by their preferred replica."),
  samsa_controller_reassigning_partitions: gauge("Partitions of the cluster whose replicas are being moved."),
  samsa_controller_elections_total: counter("Leaders elected; unclean: outside of those in sync.", ["kind"]),

  // Outbound
  samsa_rpc_requests_total: counter("Requests sent to other brokers.", ["api"]),
  samsa_rpc_failures_total: counter("Requests to other brokers that got no answer, by reason.", ["api", "reason"]),

  // The process
  samsa_broker_start_time_seconds: gauge("When the broker started, in seconds since the epoch."),
  samsa_broker_info: gauge("Always 1; version and node id are its labels.", ["version", "node_id"]),
  samsa_event_loop_stall_seconds: histogram("Turns of the event loop that took longer than 10 ms.", SECONDS),
} as const;

export type MetricName = keyof typeof metricsTable;
type NamesOfType<T extends MetricType> = {
  [N in MetricName]: (typeof metricsTable)[N]["type"] extends T ? N : never;
}[MetricName];
export type CounterName = NamesOfType<"counter">;
export type GaugeName = NamesOfType<"gauge">;
export type HistogramName = NamesOfType<"histogram">;

/** The labels of metric `N`, each a string. */
export type LabelsOf<N extends MetricName> = { readonly [L in (typeof metricsTable)[N]["labels"][number]]: string };
/** The labels argument of metric `N`: none for a metric without labels. */
export type LabelsArgument<N extends MetricName> = (typeof metricsTable)[N]["labels"] extends readonly []
  ? []
  : [labels: LabelsOf<N>];
