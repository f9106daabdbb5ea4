/** Tables for people, JSON for programs. */
import type { Terminal } from "./terminal.ts";

export type Cell = string | number | boolean | null;

/** Prints `value` as indented JSON on a screen, on one line elsewhere. 64-bit integers come out as numbers, buffers as base64. */
export async function writeJson(terminal: Terminal, value: unknown): Promise<void> {
  const text = JSON.stringify(value, jsonReplacer, terminal.isOutputScreen ? 2 : undefined);
  await terminal.write(`${text}\n`);
}

/** Prints rows under headings, aligned, without frames. */
export async function writeTable(
  terminal: Terminal,
  head: readonly string[],
  rows: readonly (readonly Cell[])[],
): Promise<void> {
  // Loaded only here: commands that print no table start faster without it.
  const { default: Table } = await import("cli-table3");
  const table = new Table({
    head: [...head],
    style: { head: [], border: [], compact: true, "padding-left": 0, "padding-right": 2 },
    chars: NO_FRAME,
  });
  for (const row of rows) table.push(row.map(cell => (cell === null ? "" : String(cell))));
  const lines = table
    .toString()
    .split("\n")
    .map(line => line.trimEnd());
  await terminal.write(`${lines.join("\n")}\n`);
}

/** `1234567` → `1,234,567`. */
export function formatCount(count: number): string {
  return Math.round(count)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ",");
}

/** Bytes in the largest unit that leaves at least 1: `1.5 MiB`. */
export function formatBytes(sizeBytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = sizeBytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** The plural of a word with its count: `1 record`, `1,000 records`. */
export function plural(count: number, word: string): string {
  return `${formatCount(count)} ${word}${count === 1 ? "" : "s"}`;
}

function jsonReplacer(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? Number(value) : value;
}

const NO_FRAME = Object.fromEntries(
  [
    "top",
    "top-mid",
    "top-left",
    "top-right",
    "bottom",
    "bottom-mid",
    "bottom-left",
    "bottom-right",
    "left",
    "left-mid",
    "mid",
    "mid-mid",
    "right",
    "right-mid",
    "middle",
  ].map(name => [name, ""]),
);
