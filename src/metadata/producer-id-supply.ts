/**
 * Hands out producer ids on a broker, one at a time, from blocks that the controller gives.
 *
 * The next block is asked for when the current one runs low, so that a client rarely waits for it.
 */

export interface ProducerIdBlock {
  readonly first: number;
  readonly count: number;
}

/** Share of a block that is left when the next one is asked for, as Kafka has it. */
const REFILL_BELOW = 0.1;

export class ProducerIdSupply {
  readonly #allocate: () => Promise<ProducerIdBlock>;
  #next = 0;
  #end = 0;
  #refillAt = 0;
  #reserve: ProducerIdBlock | null = null;
  #request: Promise<void> | null = null;

  /** @param allocate asks the controller for a block; rejects with `ApiError` */
  constructor(allocate: () => Promise<ProducerIdBlock>) {
    this.#allocate = allocate;
  }

  /** An id that nobody else gets. Rejects as the allocation of a block does. */
  async next(): Promise<number> {
    while (this.#next === this.#end && !this.#takeReserve()) await this.#ask();
    const id = this.#next;
    this.#next += 1;
    // A failure here is none of this caller's: the next one that needs the block asks again.
    if (this.#next >= this.#refillAt && this.#reserve === null) this.#ask().catch(() => {});
    return id;
  }

  #takeReserve(): boolean {
    const block = this.#reserve;
    if (block === null) return false;
    this.#reserve = null;
    this.#next = block.first;
    this.#end = block.first + block.count;
    this.#refillAt = this.#end - Math.floor(block.count * REFILL_BELOW);
    return true;
  }

  /** One request at a time, whoever waits for it. */
  #ask(): Promise<void> {
    this.#request ??= this.#allocate()
      .then(block => {
        this.#reserve = block;
      })
      .finally(() => {
        this.#request = null;
      });
    return this.#request;
  }
}
