/**
 * The settings of the group coordinator, read from the configuration each time: what is dynamic takes effect with the next decision.
 */

import { GroupConfig } from "../../config/group-config.ts";
import { type BrokerConfig, ConfigResourceType } from "../../config/index.ts";
import type { ConfigsImage } from "../../metadata/configs-image.ts";

/** As Kafka: a new member that never comes back for its answer is dropped after so long. */
const NEW_MEMBER_JOIN_TIMEOUT_MS = 300_000;

/**
 * Least time a classic member has for its SyncGroup. Clients that say nothing about a rebalance timeout (kafkajs below its consumer) send 0, and
 * Kafka then throws them out before they can answer.
 */
const MIN_SYNC_TIMEOUT_MS = 10_000;

export interface GroupOptions {
  readonly classic: ClassicGroupOptions;
  readonly consumer: ConsumerGroupOptions;
  readonly offsets: OffsetOptions;
}

export interface ClassicGroupOptions {
  readonly initialRebalanceDelayMs: number;
  readonly minSessionTimeoutMs: number;
  readonly maxSessionTimeoutMs: number;
  readonly maxSize: number;
  readonly newMemberJoinTimeoutMs: number;
  readonly minSyncTimeoutMs: number;
}

export type AssignorName = "uniform" | "range";

export interface ConsumerGroupOptions {
  readonly isEnabled: boolean;
  readonly maxSize: number;
  /** The first is the default. */
  readonly assignors: readonly AssignorName[];
  readonly canUpgrade: boolean;
  readonly canDowngrade: boolean;
  readonly regexRefreshIntervalMs: number;
  /** What may be set for each group. */
  of(groupId: string): ConsumerGroupTimes;
}

export interface ConsumerGroupTimes {
  readonly sessionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  readonly assignmentIntervalMs: number;
}

export interface OffsetOptions {
  readonly metadataMaxLength: number;
  readonly retentionMs: number;
  readonly checkIntervalMs: number;
}

/** Options that follow `config`, and `configs()` for what is set for single groups. */
export function groupOptions(config: BrokerConfig, configs: () => ConfigsImage): GroupOptions {
  return {
    classic: {
      get initialRebalanceDelayMs() {
        return config.get("group.initial.rebalance.delay.ms");
      },
      get minSessionTimeoutMs() {
        return config.get("group.min.session.timeout.ms");
      },
      get maxSessionTimeoutMs() {
        return config.get("group.max.session.timeout.ms");
      },
      get maxSize() {
        return config.get("group.max.size");
      },
      newMemberJoinTimeoutMs: NEW_MEMBER_JOIN_TIMEOUT_MS,
      minSyncTimeoutMs: MIN_SYNC_TIMEOUT_MS,
    },
    consumer: consumerGroupOptions(config, configs),
    offsets: {
      get metadataMaxLength() {
        return config.get("offset.metadata.max.bytes");
      },
      get retentionMs() {
        return config.get("offsets.retention.minutes") * 60_000;
      },
      get checkIntervalMs() {
        return config.get("offsets.retention.check.interval.ms");
      },
    },
  };
}

function consumerGroupOptions(config: BrokerConfig, configs: () => ConfigsImage): ConsumerGroupOptions {
  const policy = () => config.get("group.consumer.migration.policy").toLowerCase();
  const times = new GroupTimes(config, configs);
  return {
    get isEnabled() {
      return config.get("group.coordinator.rebalance.protocols").includes("consumer");
    },
    get maxSize() {
      return config.get("group.consumer.max.size");
    },
    get assignors() {
      return knownAssignors(config.get("group.consumer.assignors"));
    },
    get canUpgrade() {
      return policy() === "upgrade" || policy() === "bidirectional";
    },
    get canDowngrade() {
      return policy() === "downgrade" || policy() === "bidirectional";
    },
    get regexRefreshIntervalMs() {
      return config.get("group.consumer.regex.refresh.interval.ms");
    },
    of: groupId => times.of(groupId),
  };
}

/** The setting may also name Java classes: Kafka's own two are known, others are passed over. */
function knownAssignors(names: readonly string[]): readonly AssignorName[] {
  const known: AssignorName[] = [];
  for (const name of names) {
    if (name === "uniform" || name.endsWith(".UniformAssignor")) known.push("uniform");
    else if (name === "range" || name.endsWith(".RangeAssignor")) known.push("range");
  }
  return known.length > 0 ? known : ["uniform", "range"];
}

/** What is set for single groups, resolved once for each version of the configuration: heartbeats ask each time. */
class GroupTimes {
  readonly #config: BrokerConfig;
  readonly #configs: () => ConfigsImage;
  readonly #resolved = new Map<string, ConsumerGroupTimes>();
  #defaults: ConsumerGroupTimes | null = null;
  #resolvedFrom: ConfigsImage | null = null;

  constructor(config: BrokerConfig, configs: () => ConfigsImage) {
    this.#config = config;
    this.#configs = configs;
    config.subscribe(() => {
      this.#resolvedFrom = null;
    });
  }

  of(groupId: string): ConsumerGroupTimes {
    const configs = this.#configs();
    if (configs !== this.#resolvedFrom) {
      this.#resolvedFrom = configs;
      this.#resolved.clear();
      this.#defaults = this.#resolve(NO_OVERRIDES);
    }
    const overrides = configs.of(ConfigResourceType.GROUP, groupId);
    if (overrides.size === 0) return this.#defaults!;
    let times = this.#resolved.get(groupId);
    if (times === undefined) {
      times = this.#resolve(overrides);
      this.#resolved.set(groupId, times);
    }
    return times;
  }

  #resolve(overrides: ReadonlyMap<string, string>): ConsumerGroupTimes {
    const group = GroupConfig.resolve(overrides, this.#config);
    return {
      sessionTimeoutMs: group.get("consumer.session.timeout.ms"),
      heartbeatIntervalMs: group.get("consumer.heartbeat.interval.ms"),
      assignmentIntervalMs: group.get("consumer.assignment.interval.ms"),
    };
  }
}

const NO_OVERRIDES: ReadonlyMap<string, string> = new Map();
