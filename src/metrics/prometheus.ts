/**
 * The cells in Prometheus' text format, by prom-client. Loaded only where metrics are served: a broker that does not serve them starts
 * without it.
 */
import { collectDefaultMetrics, type Metric, type MetricObject, Registry } from "prom-client";
import { Counter, Gauge, type Histogram } from "./cells.ts";
import type { Metrics, Series } from "./metrics.ts";
import { type MetricName, metricsTable } from "./table.ts";

/** Renders a {@link Metrics}, each time from the cells as they are then. */
export interface PrometheusRenderer {
  readonly contentType: string;
  render(): Promise<string>;
  /** Stops what collects process metrics. */
  close(): void;
}

/**
 * @param options.process also the process' own metrics (CPU, memory, garbage collection, event loop lag) under prom-client's names
 */
export function prometheusRenderer(metrics: Metrics, options: { process?: boolean } = {}): PrometheusRenderer {
  const registry = new Registry();
  for (const name of Object.keys(metricsTable) as MetricName[]) {
    registry.registerMetric(lazyMetric(name, metrics));
  }
  if (options.process ?? false) collectDefaultMetrics({ register: registry });
  return {
    contentType: registry.contentType,
    render: () => registry.metrics(),
    close: () => registry.clear(),
  };
}

interface Sample {
  readonly metricName?: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

/** What a registry asks of a metric, computed from the cells on each call instead of being kept. */
function lazyMetric(name: MetricName, metrics: Metrics): Metric {
  const { help, type } = metricsTable[name];
  const lazy = {
    name,
    help,
    type,
    aggregator: "sum",
    get: async () =>
      ({ name, help, type, aggregator: "sum", values: samplesOf(name, metrics) }) as unknown as MetricObject,
    reset() {},
  };
  return lazy as unknown as Metric;
}

function samplesOf(name: MetricName, metrics: Metrics): Sample[] {
  const samples: Sample[] = [];
  for (const series of metrics.seriesOf(name)) {
    const { labels, cell } = series;
    if (cell instanceof Counter) samples.push({ labels, value: cell.value });
    else if (cell instanceof Gauge) samples.push({ labels, value: cell.current() });
    else pushHistogram(samples, name, series, cell);
  }
  return samples;
}

function pushHistogram(samples: Sample[], name: string, { labels }: Series, histogram: Histogram): void {
  let cumulative = 0;
  for (let index = 0; index < histogram.bounds.length; index++) {
    cumulative += histogram.counts[index]!;
    samples.push({
      metricName: `${name}_bucket`,
      labels: { le: histogram.bounds[index]!, ...labels },
      value: cumulative,
    });
  }
  samples.push({ metricName: `${name}_bucket`, labels: { le: "+Inf", ...labels }, value: histogram.count });
  samples.push({ metricName: `${name}_sum`, labels, value: histogram.sum });
  samples.push({ metricName: `${name}_count`, labels, value: histogram.count });
}
