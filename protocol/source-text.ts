/** Text of a program, built line by line with its indentation. */
export class SourceText {
  readonly #lines: string[] = [];
  #depth = 0;
  #names = 0;

  /** Adds a line. One that begins with `}` closes a block, one that ends in `{` opens one. */
  line(text: string): void {
    if (text.startsWith("}")) this.#depth -= 1;
    this.#lines.push("  ".repeat(this.#depth) + text);
    if (text.endsWith("{")) this.#depth += 1;
  }

  /** A name that nothing else in this program has. */
  name(prefix: string): string {
    this.#names += 1;
    return `${prefix}${this.#names}`;
  }

  toString(): string {
    return `${this.#lines.join("\n")}\n`;
  }
}

/** A default as an expression that makes a new one each time. */
export function literal(value: unknown): string {
  if (typeof value === "bigint") return `${value}n`;
  if (Array.isArray(value)) return "[]";
  if (value instanceof Uint8Array) return "NO_BYTES";
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const entries = Object.entries(value).map(([name, inner]) => `${name}: ${literal(inner)}`);
  return entries.length === 0 ? "{}" : `{ ${entries.join(", ")} }`;
}
