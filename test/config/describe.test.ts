import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { expect } from "chai";
import { DescribeConfigs } from "../../protocol/apis/32-describe-configs.ts";
import { decodeRequest, decodeRequestHeader, decodeResponse } from "../../protocol/frame.ts";
import { Reader } from "../../protocol/reader.ts";
import { BrokerConfig } from "../../src/config/broker-config.ts";
import { ConfigResourceType, ConfigSource } from "../../src/config/config-source.ts";
import {
  type ConfigEntry,
  type DescribeOptions,
  describeBroker,
  describeClientMetrics,
  describeClusterDefault,
  describeGroup,
  describeTopic,
} from "../../src/config/describe.ts";

/** The settings of the Kafka cluster the captures were taken from, as far as they show in them. */
function capturedBroker(): BrokerConfig {
  const config = BrokerConfig.load({
    files: [
      "log.index.size.max.bytes=262144\ngroup.consumer.heartbeat.interval.ms=1000\ngroup.consumer.min.heartbeat.interval.ms=1000",
    ],
  });
  config.applyDynamic(new Map(), new Map([["min.insync.replicas", "1"]]));
  return config;
}

interface Capture {
  api: string;
  version: number;
  requestHex: string;
  responseHex: string;
}

function captures(file: string): Capture[] {
  const text = gunzipSync(
    readFileSync(new URL(`../fixtures/kafka/captures/${file}.jsonl.gz`, import.meta.url)),
  ).toString();
  const lines = text
    .trim()
    .split("\n")
    .map(line => JSON.parse(line) as Capture);
  return lines.filter(line => line.api === "DescribeConfigs");
}

function sorted<T extends { name: string }>(entries: readonly T[]): T[] {
  return [...entries].sort((left, right) => (left.name < right.name ? -1 : 1));
}

/** Keys that only Samsa has do not stand in Kafka's answers. */
function withoutOurs(entries: readonly ConfigEntry[]): ConfigEntry[] {
  return entries.filter(entry => entry.name !== "write.caching");
}

const OWN_SOURCES: readonly number[] = [ConfigSource.DYNAMIC_TOPIC_CONFIG, ConfigSource.DYNAMIC_GROUP_CONFIG];

describe("describe, against Kafka 4.3.1's captured answers", () => {
  for (const file of ["java-tools", "franz-go", "kafkajs"]) {
    it(`${file}: the same entries, values, sources, types and synonyms`, () => {
      const config = capturedBroker();
      let compared = 0;
      for (const capture of captures(file)) {
        const reader = new Reader(Buffer.from(capture.requestHex, "hex"), 4);
        const header = decodeRequestHeader(reader);
        const request = decodeRequest(DescribeConfigs, header.apiVersion, reader);
        const { body } = decodeResponse(
          DescribeConfigs,
          header.apiVersion,
          Buffer.from(capture.responseHex, "hex").subarray(4),
        );
        for (const [index, result] of body.results.entries()) {
          if (result.resourceType === ConfigResourceType.BROKER_LOGGER) continue;
          const overrides = new Map(
            result.configs
              .filter(entry => OWN_SOURCES.includes(entry.configSource))
              .map(entry => [entry.name, entry.value!]),
          );
          const options: DescribeOptions = {
            names: request.resources[index]!.configurationKeys,
            includeSynonyms: request.includeSynonyms,
            includeDocumentation: false,
          };
          const isTopic = result.resourceType === ConfigResourceType.TOPIC;
          const ours = isTopic ? describeTopic(overrides, config, options) : describeGroup(overrides, config, options);
          const hasTypes = header.apiVersion >= 3;
          const expected = result.configs.map(entry => ({ ...entry, documentation: null }));
          const actual = withoutOurs(ours).map(entry => (hasTypes ? entry : { ...entry, configType: 0 }));
          expect(sorted(actual), result.resourceName).to.deep.equal(sorted(expected));
          compared++;
        }
      }
      expect(compared).to.be.greaterThan(0);
    });
  }
});

describe("describeBroker", () => {
  const one = (config: BrokerConfig, name: string): ConfigEntry =>
    describeBroker(config, { names: [name], includeSynonyms: true })[0]!;

  it("lists every layer that sets a key, nearest first", () => {
    const config = BrokerConfig.load({ files: ["message.max.bytes=2"] });
    config.applyDynamic(new Map([["message.max.bytes", "04"]]), new Map([["message.max.bytes", "3"]]));
    const name = "message.max.bytes";
    expect(one(config, name)).to.deep.equal({
      name,
      value: "4",
      readOnly: false,
      configSource: ConfigSource.DYNAMIC_BROKER_CONFIG,
      isSensitive: false,
      synonyms: [
        { name, value: "4", source: ConfigSource.DYNAMIC_BROKER_CONFIG },
        { name, value: "3", source: ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG },
        { name, value: "2", source: ConfigSource.STATIC_BROKER_CONFIG },
        { name, value: "1048588", source: ConfigSource.DEFAULT_CONFIG },
      ],
      configType: 3,
      documentation: null,
    });
  });

  it("keys in several units: synonyms of each other, from the first that names the key itself", () => {
    const config = BrokerConfig.load({ files: ["log.retention.ms=5"] });
    expect(one(config, "log.retention.ms").synonyms.map(synonym => synonym.name)).to.deep.equal([
      "log.retention.ms",
      "log.retention.hours",
    ]);
    expect(one(config, "log.retention.hours").synonyms.map(synonym => synonym.name)).to.deep.equal([
      "log.retention.hours",
    ]);
    expect(one(BrokerConfig.load(), "log.retention.ms")).to.deep.include({ value: null, synonyms: [] });
  });

  it("secrets and unknown keys: value and synonyms without their text", () => {
    const config = BrokerConfig.parse({
      files: ["ssl.key.password=hunter2\nmy.plugin.secret=hunter2\nlistener.name.a.ssl.key.password=hunter2"],
    }).config;
    for (const name of ["ssl.key.password", "my.plugin.secret", "listener.name.a.ssl.key.password"]) {
      expect(one(config, name), name).to.include({ value: null, isSensitive: true });
      expect(JSON.stringify(one(config, name)), name).to.not.contain("hunter2");
    }
  });

  it("read-only keys are marked, requested order is kept, unknown names are passed over", () => {
    const entries = describeBroker(BrokerConfig.load(), {
      names: ["num.partitions", "nothing", "default.replication.factor"],
    });
    expect(entries.map(({ name, value, readOnly }) => [name, value, readOnly])).to.deep.equal([
      ["num.partitions", "1", true],
      ["default.replication.factor", "1", true],
    ]);
  });

  it("without names: every key but internal and dynamic-only ones that nobody set", () => {
    const names = describeBroker(BrokerConfig.load()).map(entry => entry.name);
    expect(names).to.include("samsa.log.format").and.include("log.roll.ms");
    expect(names).to.not.include("log.initial.task.delay.ms").and.not.include("leader.replication.throttled.rate");
  });

  it("documentation: only when asked for", () => {
    const entry = describeBroker(BrokerConfig.load(), { names: ["node.id"], includeDocumentation: true })[0]!;
    expect(entry.documentation).to.contain("unique in the cluster");
  });
});

describe("describeClusterDefault", () => {
  it("shows only what was set at that level", () => {
    const config = BrokerConfig.load({ files: ["message.max.bytes=2"] });
    config.applyDynamic(new Map([["message.max.bytes", "4"]]), new Map([["log.roll.ms", "3"]]));
    const entries = describeClusterDefault(config, { includeSynonyms: true });
    expect(entries.map(entry => [entry.name, entry.value, entry.synonyms.length])).to.deep.equal([
      ["log.roll.ms", "3", 1],
    ]);
  });

  it("a broker's own value does not show through", () => {
    const config = BrokerConfig.load();
    config.applyDynamic(new Map([["message.max.bytes", "4"]]), new Map([["message.max.bytes", "3"]]));
    expect(describeClusterDefault(config)[0]).to.include({
      value: "3",
      configSource: ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG,
    });
  });
});

describe("describeTopic", () => {
  it("emulating 2.4: shows the old keys and the old largest message, as kafkajs expects them", () => {
    const config = BrokerConfig.load({ overrides: { "samsa.emulate.version": "2.4" } });
    const values = new Map(describeTopic(new Map(), config).map(entry => [entry.name, entry]));
    expect(values.get("message.format.version")?.value).to.match(/^2\.[234]-IV1$/);
    expect(values.get("message.timestamp.difference.max.ms")?.value).to.equal("9223372036854775807");
    expect(values.get("max.message.bytes")).to.include({ value: "1000012", configSource: ConfigSource.DEFAULT_CONFIG });
    const [compression, retention] = describeTopic(new Map(), config, {
      names: ["compression.type", "retention.ms"],
      includeSynonyms: true,
    });
    expect(compression?.synonyms).to.deep.equal([{ name: "compression.type", value: "producer", source: 5 }]);
    expect(retention).to.deep.include({ value: "604800000", synonyms: [] });
  });

  it("a 64-bit value beyond the safe integers: shown digit by digit", () => {
    const config = BrokerConfig.load({ files: ["log.retention.bytes=9007199254740993"] });
    const [entry] = describeTopic(new Map([["flush.messages", "9007199254740995"]]), config, {
      names: ["flush.messages"],
    });
    expect(entry?.value).to.equal("9007199254740995");
    expect(describeTopic(new Map(), config, { names: ["retention.bytes"] })[0]?.value).to.equal("9007199254740993");
  });
});

describe("describeClientMetrics", () => {
  it("shows the three keys with what was set", () => {
    const entries = describeClientMetrics(new Map([["interval.ms", "100"]]), BrokerConfig.load());
    expect(entries.map(entry => [entry.name, entry.value, entry.configSource])).to.deep.equal([
      ["interval.ms", "100", 7],
      ["match", "", 5],
      ["metrics", "", 5],
    ]);
  });
});
