/** All schemas there are, by the name that Kafka gives them, and the reference data to hold them against. */
import { readdirSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { apis } from "../../protocol/apis/index.ts";
import * as header from "../../protocol/header.ts";
import * as internal from "../../protocol/internal/index.ts";
import type { Message } from "../../protocol/schema.ts";

/** Every message: both directions of every API, headers, records. */
export const messages: ReadonlyMap<string, Message> = new Map(
  [
    ...apis.flatMap(({ request, response }) => [request, response]),
    ...[...Object.values(header), ...Object.values(internal)].filter(isMessage),
  ].map(message => [message.name, message]),
);

/** The message of this name. */
export function messageNamed(name: string): Message {
  const message = messages.get(name);
  if (message === undefined) throw new Error(`there is no schema of ${name}`);
  return message;
}

/** Every version that a message has. */
export function versionsOf({ versions }: Pick<Message, "versions">): number[] {
  return Array.from({ length: versions.max - versions.min + 1 }, (_, index) => versions.min + index);
}

const fixtures = new URL("../fixtures/kafka/", import.meta.url);

/** A JSON fixture; integers beyond 2^53 come as bigint. */
export function readFixture(path: string): unknown {
  return parseJson(readFileSync(new URL(path, fixtures), "utf8"));
}

/** Names of the files in a folder of fixtures. */
export function fixtureNames(folder: string): string[] {
  return readdirSync(new URL(folder, fixtures)).sort();
}

/** The lines of a compressed fixture with one JSON value a line. */
export function readFixtureLines<Line>(path: string): Line[] {
  const text = gunzipSync(readFileSync(new URL(path, fixtures))).toString("utf8");
  return text
    .split("\n")
    .filter(line => line !== "")
    .map(line => parseJson(line) as Line);
}

/** JSON in which integers beyond 2^53 become bigint instead of being rounded. */
export function parseJson(text: string): unknown {
  const reviver = (_key: string, value: unknown, context?: { source?: string }) => {
    const isRounded = typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value);
    return isRounded && /^-?\d+$/.test(context?.source ?? "") ? BigInt(context?.source ?? 0) : value;
  };
  return JSON.parse(text, reviver as (key: string, value: unknown) => unknown);
}

function isMessage(value: unknown): value is Message {
  return typeof value === "object" && value !== null && "fields" in value && "flexible" in value;
}
