/** Real clients, as their users run them. */
export interface Client {
  readonly name: string;
  /** Why it cannot run here; null when it can. */
  missing(): string | null;
  /** Writes `records` records of {@link SIZE_BYTES} with acks=all; resolves with the seconds that took. */
  produce(address: string, topic: string, records: number): Promise<number>;
  /** Reads that many from the beginning; resolves with the seconds that took. */
  consume(address: string, topic: string, records: number): Promise<number>;
  /** Milliseconds from sending to receiving, where the client has a tool for that. */
  latency?(address: string, topic: string): Promise<{ p50Ms: number; p99Ms: number; p999Ms: number }>;
}

/** Of a record's value. */
export const SIZE_BYTES = 1024;

export async function timed(run: () => unknown): Promise<number> {
  const started = performance.now();
  await run();
  return (performance.now() - started) / 1000;
}
