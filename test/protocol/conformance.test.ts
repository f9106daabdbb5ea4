import { isDeepStrictEqual } from "node:util";
import { expect } from "chai";
import { apiName, apis, removedApis } from "../../protocol/apis/index.ts";
import { errors } from "../../protocol/errors.ts";
import { type Field, type Fields, formatVersions, includesVersion, type Message } from "../../protocol/schema.ts";
import { messageNamed, messages, readFixture } from "./messages.ts";

/** A field as the reference data has it. */
interface KafkaField {
  name: string;
  type: string;
  versions: string;
  nullableVersions?: string;
  taggedVersions?: string;
  flexibleVersions?: string;
  tag?: number;
  default?: string;
  /** One field has the text "false". */
  ignorable?: boolean | string;
  fields?: KafkaField[];
}

interface KafkaMessage {
  key: number | null;
  name: string;
  type: string;
  listeners?: string[];
  validVersions: string;
  flexibleVersions?: string;
  latestVersionUnstable?: boolean;
  fields: KafkaField[];
  commonStructs?: { name: string; fields: KafkaField[] }[];
}

interface Listener {
  apis: { key: number; name: string; min: number; max: number }[];
}

const kafka = readFixture("protocol.json") as {
  apis: { broker: Listener; controller: Listener };
  messages: KafkaMessage[];
};
const served = kafka.messages.filter(({ validVersions }) => validVersions !== "none");

/** ListOffsets v0 is served beyond Kafka 4.3, for old clients, with the two fields that only it has. */
const additions = new Map([
  ["ListOffsetsRequest", { versions: "0-11", fields: ["topics.partitions.maxNumOffsets"] }],
  ["ListOffsetsResponse", { versions: "0-11", fields: ["topics.partitions.oldStyleOffsets"] }],
]);

/**
 * Tagged fields whose default reads "null" in the reference data while Kafka's classes take the empty value for it: an untouched field is
 * left out and null is written, as the golden vectors and Kafka's own log directory show.
 */
const emptyNotNull = new Set([
  "ConsumerGroupMemberMetadataValue.classicMemberMetadata",
  "ConsumerGroupCurrentMemberAssignmentValue.assignedPartitions.assignmentEpochs",
  "ConsumerGroupCurrentMemberAssignmentValue.partitionsPendingRevocation.assignmentEpochs",
  "StreamsGroupMetadataValue.lastAssignmentConfigs",
  ...["activeTasks", "standbyTasks", "warmupTasks"].flatMap(name => [
    `StreamsGroupCurrentMemberAssignmentValue.${name}.assignmentEpochs`,
    `StreamsGroupCurrentMemberAssignmentValue.${name}PendingRevocation.assignmentEpochs`,
  ]),
]);

describe("schemas against Apache Kafka 4.3", () => {
  it("there is one for every message with versions, and no other", () => {
    expect([...messages.keys()].sort()).to.deep.equal(served.map(({ name }) => name).sort());
  });

  for (const message of served) {
    it(`${message.name} has the same versions and fields`, () => {
      const schema = messageNamed(message.name);
      const actual = describeMessage(schema);
      const expected = describeKafkaMessage(message);
      if (!isDeepStrictEqual(actual, expected)) expect(actual).to.deep.equal(expected);
      expect(Object.keys(actual.fields)).to.deep.equal(Object.keys(expected.fields), "order");
    });
  }

  it("fields are null, tagged or default only where the wire has a form for it", () => {
    for (const { name, fields, versions, flexible } of messages.values()) {
      for (const [path, field] of walk(fields, name)) {
        if (field.tag >= 0)
          expect(includesVersion(flexible, Math.max(field.tagged.min, versions.min)), path).to.equal(true);
      }
    }
  });
});

describe("apis against Apache Kafka 4.3", () => {
  const requests = served.filter(({ type }) => type === "request");

  for (const request of requests) {
    it(`${request.name} has the same key, listeners and stability`, () => {
      const api = apis.find(({ key }) => key === request.key);
      expect(api?.name).to.equal(request.name.replace(/Request$/, ""));
      expect(api?.listeners).to.deep.equal(request.listeners);
      expect(api?.latestVersionUnstable).to.equal(request.latestVersionUnstable ?? false);
    });
  }

  it("come by ascending key", () => {
    expect(apis.map(({ key }) => key)).to.deep.equal(requests.map(({ key }) => key));
  });

  it("keys without versions left have their name in the table of removed ones", () => {
    const removed = kafka.messages.filter(({ type, validVersions }) => type === "request" && validVersions === "none");
    const expected = removed.map(({ key, name }) => [key, name.replace(/Request$/, "")]);
    expect([...removedApis]).to.deep.equal(expected);
    expect(apiName(4)).to.equal("LeaderAndIsr");
    expect(apiName(9999)).to.equal("UNKNOWN(9999)");
  });

  for (const listener of ["broker", "controller"] as const) {
    it(`advertised versions are those of a ${listener} listener`, () => {
      for (const { key, name, min, max } of kafka.apis[listener].apis) {
        const api = apis.find(api => api.key === key);
        expect(api?.name).to.equal(name);
        expect(api?.listeners, name).to.include(listener);
        expect(api?.advertised, name).to.deep.equal({ min, max });
      }
    });
  }
});

describe("errors against Apache Kafka 4.3", () => {
  it("have the same codes, names and retriability", () => {
    const { errors: expected } = readFixture("errors.json") as {
      errors: { code: number; name: string; retriable: boolean; refreshMetadata: boolean }[];
    };
    const facts = ({ code, name, retriable, refreshMetadata }: (typeof expected)[number]) => ({
      code,
      name,
      retriable,
      refreshMetadata,
    });
    expect(errors.map(facts)).to.deep.equal(expected.map(facts));
  });
});

/** What a field is, in words that both sides can be put into. */
interface FieldDescription {
  type: string;
  versions: string;
  nullable: string;
  tagged: string;
  tag: number;
  default: unknown;
  ignorable: boolean;
  flexible: boolean;
  fields: { [name: string]: FieldDescription };
}

function describeMessage(schema: Message) {
  const added = additions.get(schema.name)?.fields ?? [];
  return {
    key: schema.key,
    versions: formatVersions(schema.versions),
    flexible: formatVersions(schema.flexible),
    fields: describeFields(schema.fields, "", added),
  };
}

function describeFields(fields: Fields, path: string, added: string[]): { [name: string]: FieldDescription } {
  return Object.fromEntries(
    Object.entries(fields)
      .filter(([name]) => !added.includes(path + name))
      .map(([name, field]) => [name, describeField(field, `${path}${name}.`, added)]),
  );
}

function describeField(field: Field, path: string, added: string[]): FieldDescription {
  const inner = field.kind === "array" ? field.element : field.kind === "struct" ? field.fields : field.kind;
  const type = typeof inner === "string" ? inner.replace("bigint64", "int64") : "struct";
  return {
    type: field.kind === "array" ? `[]${type}` : type,
    versions: formatVersions(field.versions),
    nullable: formatVersions(field.nullable),
    tagged: formatVersions(field.tagged),
    tag: field.tag,
    default: typeof field.default === "bigint" ? numberOrText(String(field.default)) : field.default,
    ignorable: field.ignorable,
    flexible: field.flexible,
    fields: typeof inner === "string" ? {} : describeFields(inner, path, added),
  };
}

function describeKafkaMessage(message: KafkaMessage) {
  return {
    key: message.key ?? -1,
    versions: additions.get(message.name)?.versions ?? message.validVersions,
    flexible: normalized(message.flexibleVersions),
    fields: describeKafkaFields(message.fields, message, message.name),
  };
}

function describeKafkaFields(
  fields: KafkaField[],
  message: KafkaMessage,
  path: string,
): { [name: string]: FieldDescription } {
  return Object.fromEntries(
    fields.map(field => [field.name, describeKafkaField(field, message, `${path}.${field.name}`)]),
  );
}

function describeKafkaField(field: KafkaField, message: KafkaMessage, path: string): FieldDescription {
  const element = field.type.replace("[]", "");
  const isStruct = /^[A-Z]/.test(element);
  const struct = message.commonStructs?.find(({ name }) => name === element);
  const inner = field.fields ?? struct?.fields ?? [];
  return {
    type: isStruct ? field.type.replace(element, "struct") : field.type,
    versions: normalized(field.versions),
    nullable: normalized(field.nullableVersions),
    tagged: normalized(field.taggedVersions),
    tag: field.tag ?? -1,
    default: emptyNotNull.has(path) ? undefined : kafkaDefault(field),
    ignorable: String(field.ignorable ?? false) === "true",
    flexible: field.flexibleVersions !== "none",
    fields: describeKafkaFields(inner, message, path),
  };
}

/** The default as our schemas have it: typed, int64 beyond 2^53 as text. */
function kafkaDefault({ type, default: text }: KafkaField): unknown {
  if (text === undefined) return undefined;
  if (text === "null") return null;
  if (type === "string") return text;
  if (type === "bool") return text === "true";
  return numberOrText(text);
}

function numberOrText(text: string): number | string {
  return Number.isSafeInteger(Number(text)) ? Number(text) : text;
}

function normalized(versions: string | undefined): string {
  return versions ?? "none";
}

function* walk(fields: Fields, path: string): Generator<[string, Field]> {
  for (const [name, field] of Object.entries(fields)) {
    yield [`${path}.${name}`, field];
    if (field.kind === "struct") yield* walk(field.fields, `${path}.${name}`);
    if (field.kind === "array" && typeof field.element !== "string") yield* walk(field.element, `${path}.${name}`);
  }
}
