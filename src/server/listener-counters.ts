import type { Counter, Metrics } from "../metrics/index.ts";

/** What is counted for each listener. */
export class ListenerCounters {
  readonly accepted: Counter;
  readonly receivedBytes: Counter;
  readonly sentBytes: Counter;
  open = 0;

  constructor(listener: string, metrics: Metrics) {
    this.accepted = metrics.counter("samsa_connections_accepted_total", { listener });
    this.receivedBytes = metrics.counter("samsa_received_bytes_total", { listener });
    this.sentBytes = metrics.counter("samsa_sent_bytes_total", { listener });
  }
}
