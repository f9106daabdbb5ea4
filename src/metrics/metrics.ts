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

  counter<N extends CounterName>(name: N, ...labels: LabelsArgument<N>): Counter {
    return this.#cell(name, labels[0], () => new Counter()) as Counter;
  }

  gauge<N extends GaugeName>(name: N, ...labels: LabelsArgument<N>): Gauge {
    return this.#cell(name, labels[0], () => new Gauge()) as Gauge;
  }

  histogram<N extends HistogramName>(name: N, ...labels: LabelsArgument<N>): Histogram {
    return this.#cell(name, labels[0], () => new Histogram(metricsTable[name].buckets)) as Histogram;
  }

  /** Forgets a cell whose subject is gone, such as a deleted partition's. Whoever still holds it counts into the void. */
  remove<N extends MetricName>(name: N, ...labels: LabelsArgument<N>): void {
    this.#series.get(name)?.delete(keyOf(metricsTable[name], labels[0] ?? {}));
  }

  /** The cells of a metric in the order they were made; none when nobody has asked for one. */
  seriesOf(name: MetricName): Iterable<Series> {
    return this.#series.get(name)?.values() ?? [];
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
