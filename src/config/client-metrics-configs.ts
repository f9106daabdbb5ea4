/** Every client metrics subscription key of Kafka 4.3 (KIP-714). */
import type { ConfigTable } from "./definition.ts";
import { distinctList } from "./validators.ts";

export const clientMetricsConfigs = {
  "interval.ms": {
    type: "int",
    default: 300_000,
    importance: "medium",
    effect: "later",
    documentation: "How often matching clients push their metrics.",
  },
  match: {
    type: "list",
    default: [],
    valid: distinctList,
    importance: "medium",
    effect: "later",
    documentation: "Which clients the subscription is for, as field=regular expression; all, when empty.",
  },
  metrics: {
    type: "list",
    default: [],
    valid: distinctList,
    importance: "medium",
    effect: "later",
    documentation: "Name prefixes of the metrics asked for; none when empty, * for all.",
  },
} as const satisfies ConfigTable;
