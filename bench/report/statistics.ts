/** Medians and ranges over rounds. */
import { type Entry, FIGURES, type Figure } from "../scenario.ts";

/** The values of one figure in one place of one scenario, a round each. */
export function valuesOf(
  entries: readonly Entry[],
  where: { scenario: string; system: string; at: string | number },
  figure: Figure,
): number[] {
  return entries
    .filter(({ scenario, system, at }) => scenario === where.scenario && system === where.system && at === where.at)
    .map(({ figures }) => figures[figure])
    .filter((value): value is number => value !== undefined && !Number.isNaN(value));
}

export function median(values: readonly number[]): number {
  if (values.length === 0) return Number.NaN;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** `median (lowest–highest) unit`; a dash when there is nothing. */
export function spread(values: readonly number[], figure: Figure): string {
  const { digits, unit } = FIGURES[figure];
  if (values.length === 0) return "–";
  const text = (value: number): string => value.toFixed(digits);
  const low = text(Math.min(...values));
  const high = text(Math.max(...values));
  const range = low === high ? "" : ` (${low}–${high})`;
  return `${text(median(values))}${range} ${unit}`;
}

/** The places on a scenario's axis, in the order in which they came. */
export function placesOf(entries: readonly Entry[], scenario: string): (string | number)[] {
  return [...new Set(entries.filter(entry => entry.scenario === scenario).map(({ at }) => at))];
}
