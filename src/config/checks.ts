/** Rules that tie several broker keys together, as Kafka checks them at start and before a dynamic update. */
import type { BrokerConfig } from "./broker-config.ts";
import type { BrokerConfigName } from "./broker-configs.ts";
import { checkListeners } from "./listener-checks.ts";
import { type ConfigProblem, error } from "./problems.ts";

/** Every broken rule, as an error. Values that did not parse are reported elsewhere and seen here as their defaults. */
export function checkBrokerConfig(config: BrokerConfig): ConfigProblem[] {
  return [
    ...checkNode(config),
    ...checkListeners(config),
    ...checkOrder(config),
    ...checkLog(config),
    ...checkRequests(config),
    ...checkGroups(config),
  ];
}

function checkNode(config: BrokerConfig): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const [nodeId, brokerId] = [config.get("node.id"), config.get("broker.id")];
  if (config.isSet("node.id") && config.isSet("broker.id") && nodeId !== brokerId) {
    problems.push(error("broker.id", `broker.id = ${brokerId}: must be left out or equal node.id, which is ${nodeId}`));
  }
  if (config.nodeId < 0) problems.push(error("broker.id", `broker.id = ${brokerId}: expected a number of at least 0`));
  const voters = config.get("controller.quorum.voters");
  const malformed = voters.filter(voter => !/^\d+@(\[[0-9a-fA-F:]+\]|[^:@/\s]+):\d{1,5}$/.test(voter));
  for (const voter of malformed) {
    problems.push(
      error("controller.quorum.voters", `controller.quorum.voters: ${voter} is not of the form id@host:port`),
    );
  }
  const voterIds = voters.map(voter => Number(voter.split("@")[0]));
  if (
    malformed.length === 0 &&
    voters.length > 0 &&
    voterIds.includes(config.nodeId) !== config.hasRole("controller")
  ) {
    const should = config.hasRole("controller") ? "must name" : "must not name";
    problems.push(
      error(
        "controller.quorum.voters",
        `controller.quorum.voters ${should} this node (${config.nodeId}) given its process.roles`,
      ),
    );
  }
  if (
    !config.hasRole("controller") &&
    voters.length === 0 &&
    config.get("controller.quorum.bootstrap.servers").length === 0 &&
    config.get("samsa.peers").length === 0
  ) {
    const name = "controller.quorum.bootstrap.servers";
    problems.push(error(name, `${name} must be set on a node that is not a controller itself, or it finds none`));
  }
  if (config.logDirs.length === 0 || config.logDirs.includes("")) {
    problems.push(error("log.dirs", "log.dirs: expected at least one directory, and no empty names"));
  }
  return problems;
}

/** Pairs of which the first may not be larger than the second. */
const ORDERED_PAIRS: readonly (readonly [BrokerConfigName, BrokerConfigName])[] = [
  ["replica.fetch.wait.max.ms", "replica.socket.timeout.ms"],
  ["replica.fetch.wait.max.ms", "replica.lag.time.max.ms"],
  ["group.min.session.timeout.ms", "group.max.session.timeout.ms"],
  ["log.cleaner.min.compaction.lag.ms", "log.cleaner.max.compaction.lag.ms"],
  ["controller.quorum.append.linger.ms", "controller.quorum.fetch.timeout.ms"],
  ["group.share.min.partition.max.record.locks", "group.share.max.partition.max.record.locks"],
  ["group.share.min.record.lock.duration.ms", "group.share.max.record.lock.duration.ms"],
  ["group.share.min.delivery.count.limit", "group.share.max.delivery.count.limit"],
  ["add.partitions.to.txn.retry.backoff.ms", "add.partitions.to.txn.retry.backoff.max.ms"],
  ["socket.connection.setup.timeout.ms", "socket.connection.setup.timeout.max.ms"],
  ["sasl.login.retry.backoff.ms", "sasl.login.retry.backoff.max.ms"],
  ["group.streams.num.standby.replicas", "group.streams.max.standby.replicas"],
];

/** Keys that have to lie between their `min` and `max` keys: [minimum, key, maximum]. */
const BOUNDED: readonly (readonly [BrokerConfigName, BrokerConfigName, BrokerConfigName])[] = [
  ...(["consumer", "share", "streams"] as const).flatMap(kind =>
    (["session.timeout.ms", "heartbeat.interval.ms", "assignment.interval.ms"] as const).map(
      key => [`group.${kind}.min.${key}`, `group.${kind}.${key}`, `group.${kind}.max.${key}`] as const,
    ),
  ),
  [
    "group.share.min.partition.max.record.locks",
    "group.share.partition.max.record.locks",
    "group.share.max.partition.max.record.locks",
  ],
  [
    "group.share.min.record.lock.duration.ms",
    "group.share.record.lock.duration.ms",
    "group.share.max.record.lock.duration.ms",
  ],
  ["group.share.min.delivery.count.limit", "group.share.delivery.count.limit", "group.share.max.delivery.count.limit"],
];

function checkOrder(config: BrokerConfig): ConfigProblem[] {
  const pairs = [
    ...ORDERED_PAIRS,
    ...BOUNDED.flatMap(([minimum, key, maximum]) => [[minimum, key] as const, [key, maximum] as const]),
  ];
  return pairs.flatMap(([smaller, larger]) => {
    const [low, high] = [config.get(smaller) as number, config.get(larger) as number];
    return low > high
      ? [error(smaller, `${smaller} = ${low}: must not be larger than ${larger}, which is ${high}`)]
      : [];
  });
}

function checkLog(config: BrokerConfig): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  for (const name of ["log.retention.ms", "log.retention.minutes", "log.retention.hours"] as const) {
    const value = config.get(name);
    if (value !== null && (value === 0 || value < -1)) {
      problems.push(error(name, `${name} = ${value}: expected at least 1, or -1 to keep records for ever`));
    }
  }
  for (const [name, minimum] of [
    ["log.roll.ms", 1],
    ["log.roll.jitter.ms", 0],
  ] as const) {
    const value = config.get(name);
    if (value !== null && value < minimum)
      problems.push(error(name, `${name} = ${value}: expected at least ${minimum}`));
  }
  const retentionMs = effectiveRetentionMs(config);
  if (exceeds(config.get("log.local.retention.ms"), retentionMs)) {
    problems.push(
      error(
        "log.local.retention.ms",
        `log.local.retention.ms = ${config.get("log.local.retention.ms")}: must not be larger than log.retention.ms, which is ${retentionMs}`,
      ),
    );
  }
  if (exceeds(config.get("log.local.retention.bytes"), config.get("log.retention.bytes"))) {
    problems.push(
      error(
        "log.local.retention.bytes",
        `log.local.retention.bytes = ${config.get("log.local.retention.bytes")}: must not be larger than log.retention.bytes, which is ${config.get("log.retention.bytes")}`,
      ),
    );
  }
  if (config.get("log.cleaner.dedupe.buffer.size") / Math.max(1, config.get("log.cleaner.threads")) <= 1024 * 1024) {
    problems.push(
      error(
        "log.cleaner.dedupe.buffer.size",
        "log.cleaner.dedupe.buffer.size: must be more than 1 MiB for each of log.cleaner.threads",
      ),
    );
  }
  for (const name of ["offsets.topic.compression.codec", "share.coordinator.state.topic.compression.codec"] as const) {
    const codec = config.get(name);
    if (codec < 0 || codec > 4)
      problems.push(error(name, `${name} = ${codec}: expected 0 (none), 1 (gzip), 2 (snappy), 3 (lz4) or 4 (zstd)`));
  }
  return problems;
}

/** Whether a local retention (-2 = as the whole, -1 = no limit) is larger than the whole one (-1 = no limit). */
export function exceeds(local: number, whole: number): boolean {
  if (local === -2 || whole === -1) return false;
  return local === -1 || local > whole;
}

function effectiveRetentionMs(config: BrokerConfig): number {
  const minutes = config.get("log.retention.minutes");
  const milliseconds =
    config.get("log.retention.ms") ??
    (minutes === null ? config.get("log.retention.hours") * 3_600_000 : minutes * 60_000);
  return milliseconds < 0 ? -1 : milliseconds;
}

function checkRequests(config: BrokerConfig): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const [queued, largest] = [config.get("queued.max.request.bytes"), config.get("socket.request.max.bytes")];
  if (queued > 0 && queued < largest) {
    problems.push(
      error(
        "queued.max.request.bytes",
        `queued.max.request.bytes = ${queued}: must be -1 or at least socket.request.max.bytes, which is ${largest}`,
      ),
    );
  }
  const overrides = config.get("max.connections.per.ip.overrides");
  const malformed = overrides.split(",").filter(entry => entry.trim() !== "" && !/^\s*\S+:\d+\s*$/.test(entry));
  if (malformed.length > 0) {
    problems.push(
      error(
        "max.connections.per.ip.overrides",
        `max.connections.per.ip.overrides: ${malformed.join(", ")} is not of the form host:count`,
      ),
    );
  }
  if (config.get("max.connections.per.ip") === 0 && overrides.trim() === "") {
    problems.push(
      error("max.connections.per.ip", "max.connections.per.ip = 0: allowed only with max.connections.per.ip.overrides"),
    );
  }
  const [heartbeat, session] = [config.get("broker.heartbeat.interval.ms"), config.get("broker.session.timeout.ms")];
  if (heartbeat * 2 > session) {
    problems.push(
      error(
        "broker.heartbeat.interval.ms",
        `broker.heartbeat.interval.ms = ${heartbeat}: must be at most half of broker.session.timeout.ms, which is ${session}`,
      ),
    );
  }
  return problems;
}

function checkGroups(config: BrokerConfig): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  if (!config.get("group.coordinator.rebalance.protocols").includes("classic")) {
    problems.push(
      error("group.coordinator.rebalance.protocols", "group.coordinator.rebalance.protocols: must include classic"),
    );
  }
  for (const kind of ["consumer", "share", "streams"] as const) {
    const [heartbeat, session] = [
      config.get(`group.${kind}.heartbeat.interval.ms`),
      config.get(`group.${kind}.session.timeout.ms`),
    ];
    if (heartbeat >= session) {
      problems.push(
        error(
          `group.${kind}.heartbeat.interval.ms`,
          `group.${kind}.heartbeat.interval.ms = ${heartbeat}: must be smaller than group.${kind}.session.timeout.ms, which is ${session}`,
        ),
      );
    }
  }
  return problems;
}
