/**
 * Comparing what a tool prints against two systems: what must differ from run to run is replaced, what may differ for a reason is left out, and
 * the rest must be equal line by line.
 */
import type { ToolResult } from "./tool-shell.ts";

/** A difference that is meant to be. Lines that match on one side are left out on that side. */
export interface Difference {
  /** Main class of the tool. */
  readonly tool: string;
  readonly kafka?: RegExp;
  readonly samsa?: RegExp;
  readonly reason: string;
}

/** What a system prints about itself that another does not. */
export interface SystemFacts {
  readonly address: string;
  readonly dataDir: string;
}

export type SystemName = "kafka" | "samsa";

const EXCEPTION = /\borg\.apache\.kafka\.[\w.$]+(?:Exception|Error)\b/g;

/** Texts that stand for something of this very run. The first that matches wins. */
const replacements: readonly (readonly [RegExp, string])[] = [
  [/\b1[78]\d{11}\b/g, "<timestamp>"],
  [/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+[+Z][\d:]*/g, "<time>"],
  [/\d+ ms ago/g, "<age>"],
  // Of a refusal that does not end the tool: what it is called.
  [/\b(org\.apache\.kafka\.[\w.$]+(?:Exception|Error)): .*/g, "$1"],
  [/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, "<uuid>"],
  [/(TopicId: |"directoryId": "|Cluster(?:Id| ID): +)[\w-]{22}/g, "$1<id>"],
  [/^(\d+ +\t)[\w-]{22}/gm, "$1<id>"],
  // Ids that members of the consumer protocol choose, in front of their address.
  [/[\w-]{22}(?= +\/)/g, "<id>"],
  // Each writes other records besides what it was told to.
  [/(Epoch: |LeaderEpoch: +|HighWatermark: +)\d+/g, "$1<number>"],
  [/^(\d+ +\t<id>\t)\d+ +/gm, "$1<number> "],
];

/** What a result says, as far as it can be compared. */
export function comparable(
  tool: string,
  result: ToolResult,
  system: SystemName,
  facts: SystemFacts,
  differences: readonly Difference[],
): string[] {
  const { exitCode, stdout, stderr } = result;
  if (exitCode !== 0) {
    // In what words something is refused is up to the system; what the refusal is called is not.
    return [`exit ${exitCode}`, ...new Set(`${stdout}${stderr}`.match(EXCEPTION) ?? [])];
  }
  const leftOut = differences.filter(difference => difference.tool === tool).map(difference => difference[system]);
  return normalised(stdout, facts)
    .split("\n")
    .map(line => line.trimEnd())
    .filter(line => line !== "" && !leftOut.some(pattern => pattern?.test(line)));
}

function normalised(text: string, { address, dataDir }: SystemFacts): string {
  const [host = "", port = ""] = address.split(":");
  const controller = `${host}:${Number(port) + 10_000}`;
  let result = text
    .replaceAll(address, "<address>")
    .replaceAll(controller, "<controller>")
    .replaceAll(new RegExp(`${host} +${port}\\b`, "g"), "<address>")
    .replaceAll(dataDir, "<directory>");
  for (const [pattern, replacement] of replacements) result = result.replaceAll(pattern, replacement);
  return result;
}
