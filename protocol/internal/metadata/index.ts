/**
 * Records of `__cluster_metadata`, one file per subject.
 */
export * from "./broker.ts";
export * from "./config.ts";
export * from "./security.ts";
export * from "./topic.ts";
export * from "./transaction.ts";
