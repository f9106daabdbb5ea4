/** A line on the screen that says how far a long command is. */
import type { Clock, Timer, Timers } from "../platform/platform.ts";
import { formatBytes, formatCount, plural } from "./output.ts";
import type { Terminal } from "./terminal.ts";

const PERIOD_MS = 500;

export class Progress {
  readonly #terminal: Terminal;
  readonly #clock: Clock;
  readonly #startedMs: number;
  readonly #timer: Timer | null;
  #records = 0;
  #sizeBytes = 0;
  #isShown = false;

  /** Shows itself only when `isEnabled` and the notes go to a screen. */
  constructor(terminal: Terminal, { clock, timers }: { clock: Clock; timers: Timers }, isEnabled: boolean) {
    this.#terminal = terminal;
    this.#clock = clock;
    this.#startedMs = clock.monotonic();
    this.#timer = isEnabled && terminal.isNoteScreen ? timers.every(PERIOD_MS, () => this.#show()) : null;
  }

  get recordCount(): number {
    return this.#records;
  }

  add(records: number, sizeBytes: number): void {
    this.#records += records;
    this.#sizeBytes += sizeBytes;
  }

  /** Takes the line off the screen. */
  stop(): void {
    this.#timer?.clear();
    if (this.#isShown) this.#terminal.note("\r\x1b[K");
  }

  /** `1,000 records, 1.2 MiB in 0.5 s (2,000 records/s)` */
  summary(): string {
    const seconds = Math.max(0.001, (this.#clock.monotonic() - this.#startedMs) / 1000);
    const rate = `${formatCount(this.#records / seconds)} records/s`;
    return `${plural(this.#records, "record")}, ${formatBytes(this.#sizeBytes)} in ${seconds.toFixed(1)} s (${rate})`;
  }

  #show(): void {
    this.#isShown = true;
    this.#terminal.note(`\r\x1b[K${this.summary()}`);
  }
}
