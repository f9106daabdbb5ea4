import { readFileSync } from "node:fs";
import { expect } from "chai";
import { brokerConfigs, kafkaBrokerConfigs } from "../../src/config/broker-configs.ts";
import { clientMetricsConfigs } from "../../src/config/client-metrics-configs.ts";
import type { ConfigDefinition, ConfigTable } from "../../src/config/definition.ts";
import { groupConfigs } from "../../src/config/group-configs.ts";
import { renderConfigMarkdown } from "../../src/config/markdown.ts";
import { brokerQuotaConfigs, ipQuotaConfigs, userAndClientQuotaConfigs } from "../../src/config/quota-configs.ts";
import { samsaBrokerConfigs } from "../../src/config/samsa-configs.ts";
import { topicConfigs } from "../../src/config/topic-config.ts";
import { kafkaTopicConfigs } from "../../src/config/topic-configs.ts";
import { formatValue, parseValue } from "../../src/config/values.ts";

interface KafkaRow {
  name: string;
  type: string;
  default?: unknown;
  required?: boolean;
  importance: string;
  valid?: string;
  internal?: boolean;
  updateMode?: string;
  brokerSynonyms?: { name: string; valueOf1: string }[];
}

// Long.MAX_VALUE is beyond the safe integers; as JSON number it would come out as 2^63.
const kafka = JSON.parse(
  readFileSync(new URL("../fixtures/kafka/configs.json", import.meta.url), "utf8").replaceAll(
    /: ?9223372036854775807\b/g,
    `: ${Number.MAX_SAFE_INTEGER}`,
  ),
) as Record<string, KafkaRow[]>;

function ourRow(name: string, definition: ConfigDefinition): KafkaRow {
  const row: KafkaRow = { name, type: definition.type, importance: definition.importance };
  if (definition.required) row.required = true;
  else row.default = definition.default;
  if (definition.valid) row.valid = definition.valid.notation;
  if (definition.internal) row.internal = true;
  if (definition.updateMode) row.updateMode = definition.updateMode;
  if (definition.brokerSynonyms && !name.startsWith("samsa.")) {
    row.brokerSynonyms = definition.brokerSynonyms.map(synonym => ({
      name: synonym.name,
      valueOf1: String(synonym.valueOf1),
    }));
  }
  return row;
}

/** Oracle rows leave fields out that ours may have as undefined; and a default of null may be left out. */
function oracleRow(row: KafkaRow): KafkaRow {
  const { name, type, importance, valid, internal, updateMode, brokerSynonyms, required } = row;
  return {
    name,
    type,
    importance,
    ...(required ? { required } : { default: row.default ?? null }),
    ...(valid === undefined ? {} : { valid }),
    ...(internal ? { internal } : {}),
    ...(updateMode ? { updateMode } : {}),
    ...(brokerSynonyms?.length ? { brokerSynonyms } : {}),
  };
}

function compare(
  table: ConfigTable,
  rows: readonly KafkaRow[],
  options: { synonyms?: boolean; modes?: boolean } = {},
): void {
  expect(Object.keys(table).sort()).to.deep.equal(rows.map(row => row.name).sort());
  for (const row of rows) {
    const ours = ourRow(row.name, table[row.name]!);
    if (options.synonyms === false) delete ours.brokerSynonyms;
    if (options.modes === false) delete ours.updateMode;
    expect(ours, row.name).to.deep.equal(oracleRow(row));
  }
}

describe("configuration tables", () => {
  it("broker: equal Kafka's 360 keys in type, default, range, importance and update mode", () => {
    expect(kafka.broker).to.have.length(360);
    compare(kafkaBrokerConfigs, kafka.broker!);
  });

  it("topic: equal Kafka's 34 keys, with the broker keys behind them and their units", () => {
    expect(kafka.topic).to.have.length(34);
    compare(kafkaTopicConfigs, kafka.topic!);
  });

  it("group and client metrics: equal Kafka's keys", () => {
    compare(groupConfigs, kafka.group!, { synonyms: false });
    compare(clientMetricsConfigs, kafka.clientMetrics!);
  });

  it("quotas: equal Kafka's keys", () => {
    compare(brokerQuotaConfigs, kafka["quota.brokerQuotaConfigs"]!, { modes: false });
    compare(userAndClientQuotaConfigs, kafka["quota.scramMechanismsPlusUserAndClientQuotaConfigs"]!);
    compare(ipQuotaConfigs, kafka["quota.ipConfigs"]!);
    for (const row of kafka.dynamicOnlyBroker!) {
      expect((brokerQuotaConfigs as ConfigTable)[row.name]?.updateMode, row.name).to.equal(row.updateMode);
    }
  });

  it("all: every default, Kafka's and ours, passes its own validator and survives being printed and parsed", () => {
    for (const [name, definition] of allRows()) {
      for (const value of [definition.default, definition.samsaDefault]) {
        if (value === null || value === undefined) continue;
        // Kafka lists empty defaults for keys that may not be set to an empty list.
        if (Array.isArray(value) && value.length === 0) continue;
        const outcome = parseValue(definition, formatValue(definition.type, value)!);
        expect(outcome, name).to.deep.equal({ ok: true, value });
      }
    }
  });

  it("all: every row has one line of documentation that ends as a sentence", () => {
    for (const [name, { documentation }] of allRows()) expect(documentation, name).to.match(/^[^\n]{10,200}\.$/);
  });

  it("topic and group: every broker key named as source of a default exists and has the same kind of value", () => {
    for (const [name, definition] of Object.entries<ConfigDefinition>({ ...topicConfigs, ...groupConfigs })) {
      for (const synonym of definition.brokerSynonyms ?? []) {
        const broker: ConfigDefinition | undefined = (brokerConfigs as ConfigTable)[synonym.name];
        expect(broker, `${name} ← ${synonym.name}`).to.not.equal(undefined);
        expect(numeric(broker!.type), `${name} ← ${synonym.name}`).to.equal(numeric(definition.type));
      }
    }
  });

  it("Samsa: every broker key of ours is prefixed", () => {
    expect(Object.keys(samsaBrokerConfigs).filter(name => !name.startsWith("samsa."))).to.deep.equal([]);
  });

  it("docs/config.md: is what the tables render to", () => {
    const path = new URL("../../docs/config.md", import.meta.url);
    const notice = "<!-- Generated by scripts/generate-docs.ts. Do not edit. -->\n\n";
    expect(readFileSync(path, "utf8"), "stale: run scripts/generate-docs.ts").to.equal(notice + renderConfigMarkdown());
  });
});

function allRows(): [string, ConfigDefinition][] {
  return Object.entries<ConfigDefinition>({
    ...brokerConfigs,
    ...topicConfigs,
    ...groupConfigs,
    ...clientMetricsConfigs,
    ...userAndClientQuotaConfigs,
    ...ipQuotaConfigs,
  });
}

function numeric(type: string): string {
  return ["int", "short", "long", "double"].includes(type) ? "number" : type;
}
