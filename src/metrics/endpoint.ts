/**
 * Serves the metrics over HTTP: `GET /metrics` for Prometheus, `GET /healthz` for orchestrators. Started only when a metrics listener is
 * configured. It talks to operators' tools rather than to clients, so it is an entry point of its own and uses `node:http` directly.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Metrics } from "./metrics.ts";
import type { PrometheusRenderer } from "./prometheus.ts";

export interface MetricsEndpointOptions {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  /** Also serve the process' own metrics. Default true. */
  readonly process?: boolean;
}

export interface MetricsEndpointModules {
  readonly metrics: Metrics;
  /** A Logger of the logging room, which stands on this room's level: all that is needed of it. */
  readonly logger: Record<"warn" | "error", (event: string, fields?: Readonly<Record<string, unknown>>) => void>;
  /** What is wrong with the broker, or null when it is well. */
  readonly health?: () => string | null;
}

export interface MetricsEndpoint {
  readonly host: string;
  readonly port: number;
  close(): Promise<void>;
}

/** A scraper needs one connection and an orchestrator another; more are a mistake or an attack. */
const MAX_CONNECTIONS = 64;
const REQUEST_TIMEOUT_MS = 10_000;

/** Resolves once bound; rejects with the system's error code when it cannot. */
export async function startMetricsEndpoint(
  options: MetricsEndpointOptions,
  modules: MetricsEndpointModules,
): Promise<MetricsEndpoint> {
  const { prometheusRenderer } = await import("./prometheus.ts");
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS });
  server.maxConnections = MAX_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, options.host, () => {
      server.off("error", reject);
      resolve();
    });
  });
  const renderer = prometheusRenderer(modules.metrics, { process: options.process ?? true });
  server.on("error", error => modules.logger.warn("metrics.endpoint-failed", { error }));
  server.on("request", (request, response) => {
    answer(request, response, renderer, modules).catch(error => {
      modules.logger.error("metrics.render-failed", { error });
      if (!response.headersSent)
        send(request, response, 500, "text/plain; charset=utf-8", "the metrics could not be rendered\n");
    });
  });
  const address = server.address() as AddressInfo;
  return {
    host: address.address,
    port: address.port,
    close: () =>
      new Promise(resolve => {
        renderer.close();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  renderer: PrometheusRenderer,
  modules: MetricsEndpointModules,
): Promise<void> {
  const text = "text/plain; charset=utf-8";
  if (request.method !== "GET" && request.method !== "HEAD") {
    response.setHeader("allow", "GET, HEAD");
    send(request, response, 405, text, "only GET and HEAD\n");
    return;
  }
  switch (request.url?.split("?", 1)[0]) {
    case "/metrics":
      send(request, response, 200, renderer.contentType, await renderer.render());
      return;
    case "/healthz": {
      const problem = modules.health?.() ?? null;
      send(request, response, problem === null ? 200 : 503, text, `${problem ?? "ok"}\n`);
      return;
    }
    default:
      send(request, response, 404, text, "there are /metrics and /healthz\n");
  }
}

function send(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  contentType: string,
  body: string,
): void {
  response.writeHead(status, {
    "content-type": contentType,
    "content-length": Buffer.byteLength(body),
    "cache-control": "no-store",
  });
  response.end(request.method === "HEAD" ? undefined : body);
}
