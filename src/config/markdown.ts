/** Renders docs/config.md from the tables. */
import { authorizerConfigs, brokerConfigGroups } from "./broker-configs.ts";
import { clientMetricsConfigs } from "./client-metrics-configs.ts";
import { type AnyConfigValue, type ConfigDefinition, type ConfigTable, LONG_MAX, updateModeOf } from "./definition.ts";
import { emulatedTopicConfigs } from "./emulation.ts";
import { groupConfigs } from "./group-configs.ts";
import { brokerQuotaConfigs, ipQuotaConfigs, userAndClientQuotaConfigs } from "./quota-configs.ts";
import { samsaBrokerConfigs, samsaTopicConfigs } from "./samsa-configs.ts";
import { kafkaTopicConfigs } from "./topic-configs.ts";
import { formatValue } from "./values.ts";

/** The whole page but for the notice above it, ending in a newline. A test compares it with the file. */
export function renderConfigMarkdown(): string {
  const sections = [
    HEAD,
    "## Samsa's own broker settings\n\nKafka ignores them.\n",
    renderTable(samsaBrokerConfigs),
    "## Topic settings\n\nA topic that does not set a key has the value of the first broker key named beside it that is set, else the default.\n",
    renderTable({ ...kafkaTopicConfigs, ...samsaTopicConfigs }),
    "With `samsa.emulate.version=2.4` these are accepted and shown as well:\n",
    renderTable(emulatedTopicConfigs),
    "## Broker settings\n",
    ...Object.entries(brokerConfigGroups).flatMap(([title, table]) => [`### ${title}\n`, renderTable(table)]),
    "### Read by the authoriser\n",
    renderTable(authorizerConfigs),
    "### Only dynamic\n",
    renderTable(brokerQuotaConfigs),
    "## Group settings\n",
    renderTable(groupConfigs),
    "## Client metrics subscriptions\n",
    renderTable(clientMetricsConfigs),
    "## Quotas\n\nOf users and client ids (with the SCRAM credentials of users):\n",
    renderTable(userAndClientQuotaConfigs),
    "Of addresses:\n",
    renderTable(ipQuotaConfigs),
  ];
  return `${sections.join("\n").trimEnd()}\n`;
}

const HEAD = `# Configuration

Samsa reads Kafka's \`server.properties\`: the same keys, types, ranges and defaults as Apache Kafka 4.3, and a few of its own that begin with
\`samsa.\`. \`npm start\` needs none of them: without any, one node serves clients on 127.0.0.1:9092 and keeps its data in \`./data\`.

## Where settings come from

1. Files: \`samsa start --config server.properties\`, in Java's properties format (comments, \`=\`, \`:\` or blank as separator, continuation lines,
   escapes).
2. The environment: \`SAMSA_LOG_RETENTION_MS\` sets \`log.retention.ms\`. One underscore is a dot, two are an underscore, three a hyphen. The
   \`samsa.\` of our own keys may be left out: \`SAMSA_LOG_FORMAT\` sets \`samsa.log.format\`.
3. Flags: \`--override log.retention.ms=60000\`, and the short forms that \`samsa start --help\` lists.

Later ones win. Above them all stand dynamic settings, kept in the metadata log and changed while the broker runs (\`samsa configs alter\`, any Kafka
tool): first those of one broker, then those of all brokers. The update mode of a key says where it can be changed: \`read-only\` needs a restart,
\`per-broker\` can be changed on one broker, \`cluster-wide\` on one or on all.

All errors are reported at once, with key, value, where it was set, and what was expected; nothing is started then. An unknown key is a warning with the
nearest known names. A key that is known but has no effect in this version (marked *later* below) is named once at start.

A key may be set for one listener only, as in Kafka: \`listener.name.<listener>.<key>\`.

## Where Samsa differs

- A single node needs no setup: \`process.roles\`, \`node.id\`, \`controller.listener.names\`, \`listeners\` and \`log.dirs\` have defaults. A controller
  for which \`listeners\` names no controller listener gets one on the first listener's host and its port + 10,000.
- Limits that Kafka leaves open have bounds (\`max.connections\`, \`queued.max.request.bytes\`, \`group.max.size\` and others): where two defaults
  are shown, ours is in bold and Kafka's follows.
- \`min.insync.replicas\`, set nowhere, is 1 up to two replicas and a majority from three on.
- Internal topics whose replication factor is not set get 3 replicas, or as many as there are brokers.

## In code

\`\`\`ts
import { BrokerConfig, TopicConfig, describeTopic } from "../src/config/index.ts";

const { config, problems } = BrokerConfig.parse({ files: [text], environment: process.env, overrides: { "node.id": "2" }, hostname });
config.get("log.roll.hours"); // number, typed by the table; get("log.roll.ms") is number | null
config.source("log.roll.hours"); // ConfigSource.DEFAULT_CONFIG (5), as in DescribeConfigs
config.nodeId; // also roles, logDirs, metadataLogDir, interBrokerListenerName
config.listeners(); // [{ name, host, port, protocol }]; also brokerListeners(), controllerListeners(), advertisedListeners()
config.applyDynamic(brokerLevel, clusterLevel); // Maps of texts → the names that changed
config.subscribe(names => {}); // hears of them; returns how to stop
TopicConfig.resolve(new Map([["retention.ms", "60000"]]), config).get("segment.ms"); // number, hours turned into ms
describeTopic(overrides, config, { names: null, includeSynonyms: true }); // entries of a DescribeConfigs response
\`\`\`

Checks before a change is written, each giving a message or null: \`validateTopicConfigs(overrides, config)\`, \`validateBrokerConfig(name, value, level)\`,
\`validateBrokerUpdate(config, brokerLevel, clusterLevel)\`, \`validateGroupConfigs(overrides, config)\`, \`validateClientMetricsConfigs(settings)\`.
`;

function renderTable(table: ConfigTable): string {
  const rows = Object.entries(table).sort(([left], [right]) => (left < right ? -1 : 1));
  const hasModes = rows.some(([, definition]) => definition.updateMode !== undefined);
  const hasSynonyms = rows.some(([, definition]) => definition.brokerSynonyms !== undefined);
  const columns = [
    "key",
    "type",
    "default",
    "accepted",
    "importance",
    ...(hasModes ? ["update"] : []),
    ...(hasSynonyms ? ["broker key"] : []),
    "works",
    "what it is",
  ];
  const lines = rows.map(([name, definition]) => [
    `\`${name}\``,
    definition.type,
    renderDefault(definition),
    definition.valid?.notation ? `\`${definition.valid.notation}\`` : "",
    definition.importance,
    ...(hasModes ? [updateModeOf(definition) ?? ""] : []),
    ...(hasSynonyms ? [(definition.brokerSynonyms ?? []).map(renderSynonym).join(", ")] : []),
    definition.effect === "used" ? "yes" : "*later*",
    definition.documentation,
  ]);
  return [columns, columns.map(() => "---"), ...lines]
    .map(cells => `| ${cells.map(escapeCell).join(" | ")} |\n`)
    .join("");
}

function renderDefault(definition: ConfigDefinition): string {
  const kafkas = definition.required ? "required" : renderValue(definition, definition.default);
  if (definition.samsaDefault === undefined) return kafkas;
  return `**${renderValue(definition, definition.samsaDefault)}** (Kafka: ${kafkas})`;
}

function renderValue(definition: ConfigDefinition, value: AnyConfigValue): string {
  if (value === null) return "";
  if (value === LONG_MAX && definition.type === "long") return "no limit";
  const text = formatValue(definition.type, value)!;
  return text === "" ? "(empty)" : `\`${text}\``;
}

function renderSynonym({ name, valueOf1 }: { name: string; valueOf1: number }): string {
  return valueOf1 === 1 ? `\`${name}\`` : `\`${name}\` × ${valueOf1}`;
}

function escapeCell(text: string): string {
  return text.replaceAll("|", "\\|");
}
