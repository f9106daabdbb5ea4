/** What happened, in order: hashed always, kept and printed on demand. Same seed, same hash. */
export class Trace {
  readonly #keeps: boolean;
  readonly lines: string[] = [];
  #high = 0x811c9dc5;
  #low = 0x01000193;
  #count = 0;

  constructor(options: { keeps: boolean }) {
    this.#keeps = options.keeps;
  }

  add(atMs: number, who: string, what: string): void {
    const line = `${atMs.toFixed(3).padStart(12)} ${who.padEnd(8)} ${what}`;
    this.#count += 1;
    let high = this.#high;
    let low = this.#low;
    for (let index = 0; index < line.length; index += 1) {
      const code = line.charCodeAt(index);
      high = Math.imul(high ^ code, 0x01000193);
      low = Math.imul((low + code) | 0, 0x85ebca6b);
    }
    this.#high = high >>> 0;
    this.#low = low >>> 0;
    if (this.#keeps) this.lines.push(line);
  }

  get count(): number {
    return this.#count;
  }

  get hash(): string {
    return this.#high.toString(16).padStart(8, "0") + this.#low.toString(16).padStart(8, "0");
  }
}
