/** docs/metrics.md, written from the table. */
import { type MetricDefinition, metricsTable } from "./table.ts";

/** The whole page, one row a metric, in the table's order. */
export function renderMetricsMarkdown(): string {
  const rows = Object.entries(metricsTable as Record<string, MetricDefinition>).map(
    ([name, { type, labels, help }]) => {
      const labelNames = labels.map(label => `\`${label}\``).join(", ");
      return `| \`${name}\` | ${type} | ${labelNames} | ${help.replaceAll("|", "\\|")} |`;
    },
  );
  return [
    "# Metrics",
    "",
    "Served in Prometheus' text format at `/metrics` when `samsa.metrics.listener` (or `--metrics-port`) is given; `/healthz` answers 200",
    "while the broker is well and 503 with the reason when it is not. Node's own metrics (`process_…`, `nodejs_…`) stand beside these.",
    "A metric without a row in the output has not happened yet on this broker.",
    "",
    "| name | type | labels | meaning |",
    "|---|---|---|---|",
    ...rows,
    "",
  ].join("\n");
}
