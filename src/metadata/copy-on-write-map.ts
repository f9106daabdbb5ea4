/**
 * Changes to a small immutable map: copied on the first change, so that an image that is not touched is not copied. For maps that may grow
 * large there is `persistent-map.ts`.
 */
export class CopyOnWriteMap<K, V> {
  readonly #base: ReadonlyMap<K, V>;
  #copy: Map<K, V> | null = null;
  readonly #changedKeys = new Set<K>();

  constructor(base: ReadonlyMap<K, V>) {
    this.#base = base;
  }

  /** Keys that were set or deleted. */
  get changedKeys(): ReadonlySet<K> {
    return this.#changedKeys;
  }

  get(key: K): V | undefined {
    return (this.#copy ?? this.#base).get(key);
  }

  set(key: K, value: V): void {
    this.#forWriting(key).set(key, value);
  }

  delete(key: K): boolean {
    return this.get(key) !== undefined && this.#forWriting(key).delete(key);
  }

  /** The map with all changes; the base itself when there are none. */
  finish(): ReadonlyMap<K, V> {
    return this.#copy ?? this.#base;
  }

  #forWriting(key: K): Map<K, V> {
    this.#changedKeys.add(key);
    this.#copy ??= new Map(this.#base);
    return this.#copy;
  }
}
