/**
 * What hot paths touch: cells of plain numbers. Nobody is told of a change; whoever renders the metrics reads the cells then.
 */

/** Only goes up. */
export class Counter {
  value = 0;

  increment(by = 1): void {
    this.value += by;
  }
}

/** Goes up and down, or is computed when looked at. */
export class Gauge {
  value = 0;
  #read: (() => number) | null = null;

  set(value: number): void {
    this.value = value;
  }

  add(by: number): void {
    this.value += by;
  }

  /** From now on the value is what `read` returns at the moment of looking: for what is already counted elsewhere. */
  source(read: () => number): void {
    this.#read = read;
  }

  current(): number {
    return this.#read === null ? this.value : this.#read();
  }
}

/** Counts values by fixed buckets; observing allocates nothing. */
export class Histogram {
  readonly bounds: readonly number[];
  /** One more than bounds: the last counts what exceeds them all. Not cumulative. */
  readonly counts: Float64Array;
  /** Sum and count of all observations; typed, so that no number is boxed. */
  readonly #totals = new Float64Array(2);

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    const { bounds, counts } = this;
    let low = 0;
    let high = bounds.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (value <= bounds[middle]!) high = middle;
      else low = middle + 1;
    }
    counts[low]!++;
    this.#totals[0]! += value;
    this.#totals[1]!++;
  }

  get sum(): number {
    return this.#totals[0]!;
  }

  get count(): number {
    return this.#totals[1]!;
  }
}
