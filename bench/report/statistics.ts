/** Medians and ranges over rounds. */
import { type Entry, FIGURES, type Figure } from "../scenario.ts";

/** The values of one figure in one place of one scenario, by round. */
export function valuesByRound(
  entries: readonly Entry[],
  where: { scenario: string; system: string; at: string | number },
  figure: Figure,
): ReadonlyMap<number, number> {
  const values = new Map<number, number>();
  for (const { scenario, system, at, round, figures } of entries) {
    const value = figures[figure];
    // A figure that could not be taken is null in JSON.
    if (value === undefined || value === null || Number.isNaN(value)) continue;
    if (scenario === where.scenario && system === where.system && at === where.at) values.set(round, value);
  }
  return values;
}

/** The same without the rounds. */
export function valuesOf(
  entries: readonly Entry[],
  where: { scenario: string; system: string; at: string | number },
  figure: Figure,
): number[] {
  return [...valuesByRound(entries, where, figure).values()];
}

export function median(values: readonly number[]): number {
  if (values.length === 0) return Number.NaN;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Of the straight line that lies closest to points (least squares). */
export function slope(points: readonly (readonly [x: number, y: number])[]): number {
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const meanX = mean(points.map(([x]) => x));
  const meanY = mean(points.map(([, y]) => y));
  const covariance = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0);
  return covariance / points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
}

/** `median (lowest–highest) unit`; a dash when there is nothing. */
export function spread(values: readonly number[], figure: Figure): string {
  const { digits, unit } = FIGURES[figure];
  if (values.length === 0) return "–";
  // What rounds to nothing is told more exactly.
  const text = (value: number): string => value.toFixed(value < 5 ? Math.max(digits, 1) : digits);
  const low = text(Math.min(...values));
  const high = text(Math.max(...values));
  const range = low === high ? "" : ` (${low}–${high})`;
  return `${text(median(values))}${range} ${unit}`;
}

/** The places on a scenario's axis, in the order in which they came. */
export function placesOf(entries: readonly Entry[], scenario: string): (string | number)[] {
  return [...new Set(entries.filter(entry => entry.scenario === scenario).map(({ at }) => at))];
}
