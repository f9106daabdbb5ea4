/**
 * The features of a cluster, the range of levels this release knows, and the level that a new cluster starts at. One table: the bootstrap
 * records, the ranges in registrations and ApiVersions, and `docs/` come from it.
 *
 * Levels are those of Apache Kafka 4.3 unless the reason says otherwise, so that either can open what the other formatted.
 */

export interface Feature {
  readonly name: string;
  /** Lowest and highest level that this release can run at. */
  readonly minSupportedLevel: number;
  readonly maxSupportedLevel: number;
  /** Level that formatting gives a new cluster; 0 writes no record. */
  readonly initialLevel: number;
  /** Why that level. */
  readonly reason: string;
}

/** `metadata.version` comes first in a log; the others by name, as Kafka writes them. */
export const FEATURES: readonly Feature[] = [
  {
    name: "metadata.version",
    minSupportedLevel: 7,
    maxSupportedLevel: 30,
    initialLevel: 30,
    reason: "4.3-IV0: the record versions that the metadata log is written in",
  },
  {
    name: "eligible.leader.replicas.version",
    minSupportedLevel: 0,
    maxSupportedLevel: 1,
    initialLevel: 1,
    reason: "KIP-966: partition records carry eligible replicas, and min.insync.replicas lives in the metadata log",
  },
  {
    name: "group.version",
    minSupportedLevel: 0,
    maxSupportedLevel: 1,
    initialLevel: 1,
    reason: "KIP-848: clients go by the APIs a broker advertises, so the level may stand before the APIs do",
  },
  {
    name: "share.version",
    minSupportedLevel: 0,
    maxSupportedLevel: 1,
    initialLevel: 1,
    reason: "KIP-932: as group.version",
  },
  {
    name: "streams.version",
    minSupportedLevel: 0,
    maxSupportedLevel: 1,
    initialLevel: 1,
    reason: "KIP-1071: as group.version",
  },
  {
    name: "transaction.version",
    minSupportedLevel: 0,
    maxSupportedLevel: 2,
    initialLevel: 1,
    reason:
      "KIP-890: 1 only lets transaction records be of the flexible version. At 2 clients leave AddPartitionsToTxn out and rely on the broker " +
      "adding partitions on produce and raising the epoch with each transaction; a new cluster gets it once the broker does",
  },
];

/** `kraft.version` is a feature of the quorum: its level stands in control records, not among the features of the metadata (KIP-853). */
export const KRAFT_VERSION_FEATURE = Object.freeze({
  name: "kraft.version",
  minSupportedLevel: 0,
  maxSupportedLevel: 1,
  initialLevel: 1,
});
