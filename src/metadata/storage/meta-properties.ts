/**
 * `meta.properties`: what a log directory says of itself. Version 1 (KRaft) names cluster, node and directory.
 *
 * The text is that of Java's `Properties.store`: a comment, the time, and a line for each key. Kafka's order of keys is that of a hash map
 * and changes with the Java release (sorted since Java 18); ours are sorted.
 */
import { isReservedUuid, isUuid } from "./ids.ts";

export const META_PROPERTIES_FILE = "meta.properties";

export interface MetaProperties {
  readonly clusterId: string;
  readonly nodeId: number;
  /** Null in a directory that Kafka formatted before 3.7 (KIP-858). */
  readonly directoryId: string | null;
}

/** The file's text; `nowMs` goes into its second line, in UTC. */
export function formatMetaProperties({ clusterId, nodeId, directoryId }: MetaProperties, nowMs: number): string {
  const lines = [`cluster.id=${clusterId}`];
  if (directoryId !== null) lines.push(`directory.id=${directoryId}`);
  lines.push(`node.id=${nodeId}`, "version=1");
  return `#\n#${javaDate(nowMs)}\n${lines.join("\n")}\n`;
}

/** Throws, saying what is wrong, when the text is not that of a KRaft log directory. */
export function parseMetaProperties(text: string): MetaProperties {
  const properties = parseJavaProperties(text);
  const version = required(properties, "version");
  if (version === "0")
    throw new Error("version 0 is that of a ZooKeeper cluster, which no Kafka since 4.0 takes either");
  if (version !== "1") throw new Error(`unknown version "${version}"`);
  const clusterId = required(properties, "cluster.id");
  const nodeId = required(properties, "node.id");
  if (!/^\d{1,10}$/.test(nodeId) || Number(nodeId) > 0x7fff_ffff)
    throw new Error(`node.id "${nodeId}" is not a node id`);
  const directoryId = properties.get("directory.id") ?? null;
  if (directoryId !== null && (!isUuid(directoryId) || isReservedUuid(directoryId))) {
    throw new Error(`directory.id "${directoryId}" is not the id of a directory`);
  }
  return { clusterId, nodeId: Number(nodeId), directoryId };
}

/**
 * The part of Java's properties format that the file needs: comments, the separators `=`, `:` and blanks, backslash escapes, and
 * continuation lines.
 */
export function parseJavaProperties(text: string): Map<string, string> {
  const properties = new Map<string, string>();
  const lines = text.split(/\r\n|\r|\n/);
  for (let index = 0; index < lines.length; index++) {
    let line = (lines[index] as string).trimStart();
    if (line === "" || line.startsWith("#") || line.startsWith("!")) continue;
    while (/(?<!\\)(\\\\)*\\$/.test(line) && index + 1 < lines.length) {
      index += 1;
      line = line.slice(0, -1) + (lines[index] as string).trimStart();
    }
    const match = /^((?:[^\\=:\s]|\\.)*)\s*[=:]?\s*(.*)$/s.exec(line) as RegExpExecArray;
    properties.set(unescapeJava(match[1] as string), unescapeJava(match[2] as string));
  }
  return properties;
}

const ESCAPES: Readonly<Record<string, string>> = { t: "\t", n: "\n", r: "\r", f: "\f" };

function unescapeJava(text: string): string {
  return text.replace(/\\(?:u([0-9a-fA-F]{4})|(.))/gs, (_all, hex: string | undefined, character: string) =>
    hex === undefined ? (ESCAPES[character] ?? character) : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

function required(properties: ReadonlyMap<string, string>, key: string): string {
  const value = properties.get(key);
  if (value === undefined || value === "") throw new Error(`${key} is missing`);
  return value;
}

const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const MS_PER_DAY = 86_400_000;

/** As Java prints a date: `Sat Nov 21 03:20:14 UTC 2026`. */
function javaDate(nowMs: number): string {
  const day = Math.floor(nowMs / MS_PER_DAY);
  const second = Math.floor((nowMs - day * MS_PER_DAY) / 1000);
  const { year, month, date } = civilDate(day);
  const time = [second / 3600, (second / 60) % 60, second % 60].map(part => pad(Math.floor(part))).join(":");
  return `${DAYS[(((day + 4) % 7) + 7) % 7]} ${MONTHS[month]} ${pad(date)} ${time} UTC ${year}`;
}

/** The date of a day counted from 1 January 1970. Core code has no `Date`; years are counted from March so that leap days come last. */
function civilDate(day: number): { year: number; month: number; date: number } {
  const shifted = day + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const marchMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const date = dayOfYear - Math.floor((153 * marchMonth + 2) / 5) + 1;
  const month = (marchMonth + 2) % 12;
  return { year: yearOfEra + era * 400 + (month <= 1 ? 1 : 0), month, date };
}

function pad(value: number): string {
  return String(value).padStart(2, "0");
}
