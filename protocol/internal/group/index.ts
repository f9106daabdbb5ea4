/**
 * Records of `__consumer_offsets`, one file per kind of group.
 */
export * from "./classic-group.ts";
export * from "./consumer-group.ts";
export * from "./offset.ts";
export * from "./share-group.ts";
export * from "./streams-group.ts";
