/** Everything Kafka writes for itself: records of its internal topics and logs, and what clients put into opaque bytes. */
export * from "./consumer-protocol.ts";
export * from "./coordinator-record.ts";
export * from "./group/index.ts";
export * from "./metadata/index.ts";
export * from "./metadata-record.ts";
export * from "./metadata-record-schemas.ts";
export * from "./principal.ts";
export * from "./producer-snapshot.ts";
export * from "./raft.ts";
export * from "./remote-log-record.ts";
export * from "./remote-storage.ts";
export * from "./share-state.ts";
export * from "./streams.ts";
export * from "./transaction.ts";
export * from "./transaction-marker.ts";
export * from "./versioned.ts";
