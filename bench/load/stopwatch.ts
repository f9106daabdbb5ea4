/** Measures wall time and this process's CPU time from its making on. */
export class Stopwatch {
  readonly #startedMs = performance.now();
  readonly #cpu = process.cpuUsage();

  read(): { seconds: number; clientCpuSeconds: number } {
    const { user, system } = process.cpuUsage(this.#cpu);
    return { seconds: (performance.now() - this.#startedMs) / 1000, clientCpuSeconds: (user + system) / 1e6 };
  }
}

export function delay(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms));
}
