/** A secret from the configuration. Printing, logging or serialising it shows `[hidden]`; only {@link Password.reveal} gives it away. */
export class Password {
  static readonly HIDDEN = "[hidden]";
  readonly #secret: string;

  constructor(secret: string) {
    this.#secret = secret;
  }

  /** The secret itself. Never pass the result to a logger, an error or a response. */
  reveal(): string {
    return this.#secret;
  }

  equals(other: Password): boolean {
    return this.#secret === other.#secret;
  }

  toString(): string {
    return Password.HIDDEN;
  }

  toJSON(): string {
    return Password.HIDDEN;
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return Password.HIDDEN;
  }
}
