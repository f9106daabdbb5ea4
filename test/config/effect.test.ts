import { readdirSync, readFileSync } from "node:fs";
import { expect } from "chai";
import { brokerConfigs } from "../../src/config/broker-configs.ts";
import type { ConfigDefinition, ConfigTable } from "../../src/config/definition.ts";
import { samsaTopicConfigs } from "../../src/config/samsa-configs.ts";
import { topicConfigs } from "../../src/config/topic-config.ts";
import { kafkaTopicConfigs } from "../../src/config/topic-configs.ts";

const SOURCES = new URL("../../src/", import.meta.url);

/** Files of the configuration itself that act on what they read; the others only describe and check. */
const ACTING_CONFIG_FILES = ["config/broker-config.ts", "config/describe.ts"];

/** Keys read through names that are put together, where no search finds them, and who does it. */
const READ_BY_OTHER_MEANS: Readonly<Record<string, string>> = {
  "min.insync.replicas": "TopicConfig.minInsyncReplicas",
  "transaction.state.log.replication.factor": "src/metadata/internal-topics.ts",
  "share.coordinator.state.topic.replication.factor": "src/metadata/internal-topics.ts",
  "share.coordinator.state.topic.min.isr": "src/metadata/internal-topics.ts",
};

function sourceText(): string {
  const files = readdirSync(SOURCES, { recursive: true, encoding: "utf8" }).map(path => path.replaceAll("\\", "/"));
  return files
    .filter(path => path.endsWith(".ts") && (!path.startsWith("config/") || ACTING_CONFIG_FILES.includes(path)))
    .map(path => readFileSync(new URL(path, SOURCES), "utf8"))
    .join("\n");
}

/** Every key named as an argument of a call that reads it. */
function keysRead(): Set<string> {
  const calls =
    /\b(?:get|getForListener|internalTopicReplicationFactor|internalTopicMinInsyncReplicas)\(\s*(?:[\w.]+,\s*)?"([\w.-]+)"/g;
  const keys = new Set([...sourceText().matchAll(calls)].map(match => match[1]!));
  for (const key of Object.keys(READ_BY_OTHER_MEANS)) keys.add(key);
  // Whoever reads a topic's key reads the broker keys that supply its default.
  for (const key of [...keys]) {
    const definition: ConfigDefinition | undefined = (topicConfigs as ConfigTable)[key];
    for (const synonym of definition?.brokerSynonyms ?? []) keys.add(synonym.name);
  }
  return keys;
}

describe("effect of configuration keys", () => {
  const read = keysRead();
  const tables: readonly [string, ConfigTable][] = [
    ["broker", brokerConfigs],
    ["topic", { ...kafkaTopicConfigs, ...samsaTopicConfigs }],
  ];
  for (const [kind, table] of tables) {
    it(`${kind}: "used" for exactly the keys that the code reads (set it in src/config)`, () => {
      const wrong = Object.entries(table)
        .filter(([name, { effect }]) => (effect === "used") !== read.has(name))
        .map(([name, { effect }]) => `${name} is "${effect}"`);
      expect(wrong).to.deep.equal([]);
    });
  }
});
