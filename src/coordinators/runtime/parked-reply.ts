/**
 * The reply to a request that waits for more than its own records: a JoinGroup waits for the other members, a SyncGroup for the leader.
 *
 * The shard that made it keeps it until it is settled, so that nobody waits for a shard that is gone.
 */
export class ParkedReply<T> {
  readonly promise: Promise<T>;
  readonly #resolve: (value: T) => void;
  readonly #reject: (error: Error) => void;
  readonly #settled: (reply: ParkedReply<T>) => void;
  #isSettled = false;

  constructor(settled: (reply: ParkedReply<T>) => void) {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.promise = promise;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#settled = settled;
  }

  get isSettled(): boolean {
    return this.#isSettled;
  }

  /** The first settlement counts. */
  resolve(value: T): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#settled(this);
    this.#resolve(value);
  }

  reject(error: Error): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#settled(this);
    this.#reject(error);
  }
}
