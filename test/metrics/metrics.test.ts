import { expect } from "chai";
import { memoryLogger } from "../../src/logging/index.ts";
import { startMetricsEndpoint } from "../../src/metrics/endpoint.ts";
import { type MetricDefinition, Metrics, metricsTable, renderMetricsMarkdown } from "../../src/metrics/index.ts";
import { prometheusRenderer } from "../../src/metrics/prometheus.ts";

const definitions = Object.entries(metricsTable as Record<string, MetricDefinition>);

describe("metricsTable", () => {
  for (const [name, { type, help, labels, buckets }] of definitions) {
    it(`${name} is named and described by the conventions`, () => {
      expect(name).to.match(/^samsa_[a-z]+(_[a-z]+)*$/);
      expect(name.endsWith("_total")).to.equal(type === "counter");
      expect(help).to.match(/^[A-Z0-9].*\.$/);
      for (const label of labels) expect(label).to.match(/^[a-z]+(_[a-z]+)*$/);
      expect(new Set(labels).size).to.equal(labels.length);
      expect(buckets !== undefined).to.equal(type === "histogram");
      if (buckets !== undefined) expect([...buckets]).to.deep.equal([...new Set(buckets)].sort((a, b) => a - b));
    });
  }
});

describe("Metrics", () => {
  it("gives the same cell for the same name and labels, whatever the labels' order", () => {
    const metrics = new Metrics();
    const first = metrics.counter("samsa_request_errors_total", { api: "Fetch", error: "NONE" });
    expect(metrics.counter("samsa_request_errors_total", { error: "NONE", api: "Fetch" })).to.equal(first);
    expect(metrics.counter("samsa_request_errors_total", { api: "NONE", error: "Fetch" })).to.not.equal(first);
  });

  it("histogram counts by bucket, bounds included", () => {
    const histogram = new Metrics().histogram("samsa_log_flush_files");
    for (const value of [0, 1, 1.5, 2, 3, 1_024, 1_025]) histogram.observe(value);
    expect([...histogram.counts]).to.deep.equal([2, 2, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1]);
    expect([histogram.sum, histogram.count]).to.deep.equal([2_056.5, 7]);
  });

  it("gauges are told at the moment of looking, without those that are gone", async () => {
    const metrics = new Metrics();
    const ends = new Map([
      ["kept", 1],
      ["gone", 2],
    ]);
    metrics.gauges("samsa_log_end_offset", () => Array.from(ends, ([topic, end]) => [{ topic, partition: "0" }, end]));
    const renderer = prometheusRenderer(metrics);
    expect(await renderer.render()).to.include('samsa_log_end_offset{topic="gone",partition="0"} 2');
    ends.delete("gone");
    ends.set("kept", 3);
    const text = await renderer.render();
    expect(text).to.include('samsa_log_end_offset{topic="kept",partition="0"} 3');
    expect(text).to.not.include("gone");
  });
});

describe("prometheusRenderer", () => {
  it("renders counters, gauges and histograms as they are at that moment", async () => {
    const metrics = new Metrics();
    const renderer = prometheusRenderer(metrics);
    const requests = metrics.counter("samsa_requests_total", { api: "Produce" });
    requests.increment();
    await renderer.render();
    requests.increment(2);
    let segments = 3;
    metrics.gauge("samsa_log_segments").source(() => segments);
    segments = 4;
    const durations = metrics.histogram("samsa_request_duration_seconds", { api: "Fetch" });
    durations.observe(0.0002);
    durations.observe(99);
    const text = await renderer.render();
    expect(text).to.include("# TYPE samsa_requests_total counter\n");
    expect(text).to.include('samsa_requests_total{api="Produce"} 3\n');
    expect(text).to.include("samsa_log_segments 4\n");
    expect(text).to.include('samsa_request_duration_seconds_bucket{le="0.0001",api="Fetch"} 0\n');
    expect(text).to.include('samsa_request_duration_seconds_bucket{le="0.00025",api="Fetch"} 1\n');
    expect(text).to.include('samsa_request_duration_seconds_bucket{le="10",api="Fetch"} 1\n');
    expect(text).to.include('samsa_request_duration_seconds_bucket{le="+Inf",api="Fetch"} 2\n');
    expect(text).to.include('samsa_request_duration_seconds_sum{api="Fetch"} 99.0002\n');
    expect(text).to.include('samsa_request_duration_seconds_count{api="Fetch"} 2\n');
  });

  it("escapes label values", async () => {
    const metrics = new Metrics();
    metrics.counter("samsa_produced_bytes_total", { topic: 'a"b\\c\nd' }).increment();
    expect(await prometheusRenderer(metrics).render()).to.include(
      'samsa_produced_bytes_total{topic="a\\"b\\\\c\\nd"} 1',
    );
  });
});

describe("metrics endpoint", () => {
  it("serves /metrics and /healthz, and nothing else", async () => {
    const metrics = new Metrics();
    metrics.counter("samsa_malformed_requests_total").increment();
    let problem: string | null = null;
    const logger = memoryLogger();
    const endpoint = await startMetricsEndpoint(
      { host: "127.0.0.1", port: 0 },
      { metrics, logger, health: () => problem },
    );
    const base = `http://127.0.0.1:${endpoint.port}`;
    try {
      const response = await fetch(`${base}/metrics?x=1`);
      expect(response.headers.get("content-type")).to.include("text/plain; version=0.0.4");
      const text = await response.text();
      expect(text).to.include("samsa_malformed_requests_total 1\n");
      expect(text).to.include("process_cpu_seconds_total");
      expect(await (await fetch(`${base}/healthz`)).text()).to.equal("ok\n");
      problem = "log directory /data is offline";
      const sick = await fetch(`${base}/healthz`);
      expect([sick.status, await sick.text()]).to.deep.equal([503, "log directory /data is offline\n"]);
      expect((await fetch(`${base}/`)).status).to.equal(404);
      expect((await fetch(`${base}/metrics`, { method: "POST" })).status).to.equal(405);
      expect(await (await fetch(`${base}/metrics`, { method: "HEAD" })).text()).to.equal("");
    } finally {
      await endpoint.close();
    }
    expect(logger.entries).to.deep.equal([]);
  });

  it("rejects a port that is taken with EADDRINUSE", async () => {
    const modules = { metrics: new Metrics(), logger: memoryLogger() };
    const endpoint = await startMetricsEndpoint({ host: "127.0.0.1", port: 0, process: false }, modules);
    let code: unknown;
    await startMetricsEndpoint({ host: "127.0.0.1", port: endpoint.port, process: false }, modules).catch(error => {
      code = error.code;
    });
    await endpoint.close();
    expect(code).to.equal("EADDRINUSE");
  });
});

describe("renderMetricsMarkdown", () => {
  it("has a row for every metric", () => {
    const text = renderMetricsMarkdown();
    for (const [name] of definitions) expect(text).to.include(`| \`${name}\` |`);
  });
});
