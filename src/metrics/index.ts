/** The public face of the metrics room. `endpoint.ts` and `prometheus.ts` are imported by those who serve them. */
export { Counter, Gauge, Histogram } from "./cells.ts";
export { renderMetricsMarkdown } from "./markdown.ts";
export { Metrics, type Series } from "./metrics.ts";
export {
  type CounterName,
  type GaugeName,
  type HistogramName,
  type LabelsOf,
  type MetricDefinition,
  type MetricName,
  type MetricType,
  metricsTable,
} from "./table.ts";
