/** What `samsa.emulate.version=2.4` changes in configuration answers, for the test suites of clients written against Kafka 2.4. */
import type { BrokerConfigName } from "./broker-configs.ts";
import { type AnyConfigValue, type ConfigTable, LONG_MAX } from "./definition.ts";
import { atLeast, matching } from "./validators.ts";

export const emulatedBrokerDefaults: Readonly<Partial<Record<BrokerConfigName, AnyConfigValue>>> = {
  "message.max.bytes": 1_000_012,
};

/** Topic keys that Kafka 4 no longer has. They are accepted and shown, and do nothing. */
export const emulatedTopicConfigs = {
  "message.format.version": {
    type: "string",
    default: "2.4-IV1",
    valid: matching(/^\d+\.\d+(\.\d+)?(-IV\d+)?$/, "a Kafka version such as 2.4-IV1"),
    importance: "medium",
    effect: "used",
    documentation: "The record format of old Kafka versions. Accepted, and without effect.",
  },
  "message.timestamp.difference.max.ms": {
    type: "long",
    default: LONG_MAX,
    valid: atLeast(0),
    importance: "medium",
    effect: "used",
    documentation: "How far a record's timestamp may be off in old Kafka versions. Accepted, and without effect.",
  },
  "message.downconversion.enable": {
    type: "boolean",
    default: true,
    importance: "low",
    effect: "used",
    documentation: "Whether old Kafka versions converted records for older clients. Accepted, and without effect.",
  },
} as const satisfies ConfigTable;
