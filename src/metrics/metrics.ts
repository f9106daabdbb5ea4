/**
 * The broker's metrics: cells by name and labels, as {@link metricsTable} declares them.
 *
 * ```ts
 * const metrics = new Metrics();
 * const requests = metrics.counter("samsa_requests_total", { api: "Produce" });   // once, at construction
 * requests.increment();                                                            // on the hot path
 * metrics.gauge("samsa_log_segments").source(() => manager.segmentCount);
 * ```
 *
 * Asking twice for the same name and labels gives the same cell. Cells are plain numbers, see `cells.ts`; `prometheus.ts` renders them.
 */
import { Counter, Gauge, Histogram } from "./cells.ts";
import {
  type CounterName,
  type GaugeName,
  type HistogramName,
  type LabelsArgument,
  type LabelsOf,
  type MetricDefinition,
  type MetricName,
  metricsTable,
} from "./table.ts";

export type Cell = Counter | Gauge | Histogram;

/** One cell and its labels. */
export interface Series {
  readonly labels: Readonly<Record<string, string>>;
  readonly cell: Cell;
}

export class Metrics {
  readonly #series = new Map<MetricName, Map<string, Series>>();
  readonly #readers = new Map<MetricName, () => Iterable<readonly [labels: Series["labels"], value: number]>>();

  counter<N extends CounterName>(name: N, ...labels: LabelsArgument<N>): Counter {
    return this.#cell(name, labels[0], () => new Counter()) as Counter;
  }

  gauge<N extends GaugeName>(name: N, ...labels: LabelsArgument<N>): Gauge {
    return this.#cell(name, labels[0], () => new Gauge()) as Gauge;
  }

  histogram<N extends HistogramName>(name: N, ...labels: LabelsArgument<N>): Histogram {
    return this.#cell(name, labels[0], () => new Histogram(metricsTable[name].buckets)) as Histogram;
  }

  /**
   * Gauges of subjects of which there may be many thousands, such as partitions: `read` tells their labels and values at the moment of looking,
   * and nothing is kept for each.
   */
  gauges<N extends GaugeName>(name: N, read: () => Iterable<readonly [labels: LabelsOf<N>, value: number]>): void {
    this.#readers.set(name, read);
  }

  /** The cells of a metric in the order they were made, and what is told at the moment of looking; none when nobody has asked for one. */
  seriesOf(name: MetricName): readonly Series[] {
    const all = [...(this.#series.get(name)?.values() ?? [])];
    for (const [labels, value] of this.#readers.get(name)?.() ?? []) {
      const cell = new Gauge();
      cell.set(value);
      all.push({ labels, cell });
    }
    return all;
  }

  #cell(name: MetricName, labels: Readonly<Record<string, string>> = {}, create: () => Cell): Cell {
    let byKey = this.#series.get(name);
    if (byKey === undefined) {
      byKey = new Map();
      this.#series.set(name, byKey);
    }
    const key = keyOf(metricsTable[name], labels);
    let series = byKey.get(key);
    if (series === undefined) {
      series = { labels, cell: create() };
      byKey.set(key, series);
    }
    return series.cell;
  }
}

function keyOf(definition: MetricDefinition, labels: Readonly<Record<string, string>>): string {
  return JSON.stringify(definition.labels.map(label => labels[label]));
}
