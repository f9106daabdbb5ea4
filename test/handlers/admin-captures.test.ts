import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { expect } from "chai";
import { decodeRequest, decodeRequestHeader, decodeResponse } from "../../protocol/frame.ts";
import { Reader } from "../../protocol/reader.ts";
import { createTopics } from "../../src/handlers/19-create-topics.ts";
import { deleteTopics } from "../../src/handlers/20-delete-topics.ts";
import { describeConfigs } from "../../src/handlers/32-describe-configs.ts";
import { alterConfigs } from "../../src/handlers/33-alter-configs.ts";
import { createPartitions } from "../../src/handlers/37-create-partitions.ts";
import { incrementalAlterConfigs } from "../../src/handlers/44-incremental-alter-configs.ts";
import { updateFeatures } from "../../src/handlers/57-update-features.ts";
import { describeCluster } from "../../src/handlers/60-describe-cluster.ts";
import { listConfigResources } from "../../src/handlers/74-list-config-resources.ts";
import type { Handler } from "../../src/handlers/handler.ts";
import { followDynamicConfigs } from "../../src/metadata/dynamic-configs.ts";
import {
  GROUP_METADATA_TOPIC,
  internalTopic,
  SHARE_GROUP_STATE_TOPIC,
  TRANSACTION_STATE_TOPIC,
} from "../../src/metadata/internal-topics.ts";
import { ControllerFixture } from "../metadata/support/controller-fixture.ts";
import { call } from "../metadata/support/handler-call.ts";

/** What the handlers answer is held against what Apache Kafka 4.3.1 answered to the same requests of the same programs, in the same order. */
const handlers = new Map<number, Handler>(
  [
    createTopics,
    deleteTopics,
    describeConfigs,
    alterConfigs,
    createPartitions,
    incrementalAlterConfigs,
    updateFeatures,
    describeCluster,
    listConfigResources,
  ].map(handler => [handler.api.key, handler as unknown as Handler]),
);

interface Capture {
  readonly listener: string;
  readonly api: string;
  readonly key: number;
  readonly version: number;
  readonly during: string;
  readonly requestHex: string;
  readonly responseHex: string | null;
}

const CAPTURES = new URL("../fixtures/kafka/captures/", import.meta.url);

function capturesOf(name: string): Capture[] {
  const text = gunzipSync(readFileSync(new URL(`${name}.jsonl.gz`, CAPTURES))).toString("utf8");
  const captures = text
    .trim()
    .split("\n")
    .map(line => JSON.parse(line) as Capture);
  return captures.filter(
    ({ listener, key, responseHex }) => listener === "broker" && handlers.has(key) && responseHex !== null,
  );
}

/** The cluster that was captured: three nodes with a few settings, racks, and listeners on ports of their own. */
async function capturedCluster(): Promise<ControllerFixture> {
  const fixture = await ControllerFixture.start({
    brokerIds: [],
    config: {
      "log.index.size.max.bytes": "262144",
      "group.consumer.heartbeat.interval.ms": "1000",
      "group.consumer.min.heartbeat.interval.ms": "1000",
    },
  });
  followDynamicConfigs(1, { store: fixture.store, config: fixture.config, logger: fixture.logger });
  for (const [id, port] of [
    [1, 29292],
    [2, 29295],
    [3, 29298],
  ] as const) {
    const listeners = [{ name: "PLAINTEXT", host: "127.0.0.1", port, securityProtocol: 0 }];
    await fixture.addBroker(id, { listeners, rack: `rack-${id}` });
  }
  // Kafka writes this by itself where eligible leader replicas are on.
  const configs = [{ name: "min.insync.replicas", configOperation: 0, value: "1" }];
  const resources = [{ resourceType: 4, resourceName: "", configs }];
  await fixture.complete(fixture.controller.incrementalAlterConfigs({ resources, validateOnly: false }));
  for (const name of [GROUP_METADATA_TOPIC, TRANSACTION_STATE_TOPIC, SHARE_GROUP_STATE_TOPIC] as const) {
    const topics = [internalTopic(name, fixture.config, 3)];
    await fixture.complete(fixture.controller.createTopics({ topics, timeoutMs: 1000, validateOnly: false }));
  }
  return fixture;
}

/** A JVM's loggers are its own. */
function isAboutLoggers(request: object): boolean {
  return /"resourceType":8\b/.test(textOf(request));
}

/** Keys that are Samsa's own. */
const OWN_CONFIGS: ReadonlySet<unknown> = new Set(["write.caching"]);

/** Without what differs for good reason: ids, the words of messages, order, the broker that was asked. */
function comparable(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.filter(item => !OWN_CONFIGS.has(item?.name)).map(comparable);
    return items.every(item => typeof item === "object")
      ? items.sort((a, b) => (textOf(a) < textOf(b) ? -1 : 1))
      : items;
  }
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(
    ([name]) => !["topicId", "errorMessage", "controllerId", "documentation"].includes(name),
  );
  return Object.fromEntries(entries.map(([name, item]) => [name, name === "synonyms" ? item : comparable(item)]));
}

function textOf(value: unknown): string {
  return JSON.stringify(value, (_key, item) => (typeof item === "bigint" ? String(item) : item));
}

describe("administration as captured from Apache Kafka 4.3.1", () => {
  for (const name of ["java-client", "java-tools", "franz-go", "kafkajs"]) {
    it(`answers ${name} as Kafka did`, async () => {
      const fixture = await capturedCluster();
      let compared = 0;
      for (const file of name === "java-tools" ? ["java-client", name] : [name]) {
        for (const { key, version, api, during, requestHex, responseHex } of capturesOf(file)) {
          const handler = handlers.get(key) as Handler;
          const reader = new Reader(Buffer.from(requestHex, "hex").subarray(4));
          decodeRequestHeader(reader);
          const request = decodeRequest(handler.api, version, reader);
          if (isAboutLoggers(request)) continue;
          const { body } = decodeResponse(handler.api, version, Buffer.from(responseHex as string, "hex").subarray(4));
          const answer = await call(fixture, handler, version, request as never);
          const text = `${api} v${version} during ${during}: ${textOf(request).slice(0, 300)}`;
          expect(comparable(answer), text).to.deep.equal(comparable(body));
          compared += 1;
        }
      }
      expect(compared).to.be.greaterThan(2);
    });
  }
});
