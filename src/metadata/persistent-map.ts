/**
 * An immutable map from strings whose versions share what they have in common, so that changing one entry of a hundred thousand copies a few
 * small nodes instead of everything.
 *
 * ```ts
 * const editor = PersistentMap.empty<number>().edit();
 * editor.set("a", 1);
 * const one = editor.finish();
 * const two = one.with("b", 2); // `one` still has a single entry
 * ```
 *
 * A hash array mapped trie (Bagwell, "Ideal Hash Trees", 2001): 32 children a node, five bits of the key's hash a level. An editor marks the
 * nodes that it made as its own and changes those in place until {@link MapEditor.finish}.
 */

const BITS_PER_LEVEL = 5;
const LEVEL_MASK = 31;

/** Says which editor may change a node in place. */
type Owner = object;

class Leaf<V> {
  readonly hash: number;
  readonly key: string;
  readonly value: V;

  constructor(hash: number, key: string, value: V) {
    this.hash = hash;
    this.key = key;
    this.value = value;
  }
}

/** Entries whose hashes are equal in all 32 bits. */
class Bucket<V> {
  readonly hash: number;
  readonly leaves: readonly Leaf<V>[];

  constructor(hash: number, leaves: readonly Leaf<V>[]) {
    this.hash = hash;
    this.leaves = leaves;
  }
}

class Branch<V> {
  readonly owner: Owner | null;
  /** Bit n is set when there is a child for the hash digit n; children stand in the order of their digits. */
  bitmap: number;
  children: Node<V>[];

  constructor(owner: Owner | null, bitmap: number, children: Node<V>[]) {
    this.owner = owner;
    this.bitmap = bitmap;
    this.children = children;
  }
}

type Node<V> = Branch<V> | Leaf<V> | Bucket<V>;

export class PersistentMap<V> implements Iterable<[string, V]> {
  static readonly #empty = new PersistentMap<never>(new Branch<never>(null, 0, []), 0);

  static empty<V>(): PersistentMap<V> {
    return PersistentMap.#empty as unknown as PersistentMap<V>;
  }

  static from<V>(entries: Iterable<readonly [string, V]>): PersistentMap<V> {
    const editor = PersistentMap.empty<V>().edit();
    for (const [key, value] of entries) editor.set(key, value);
    return editor.finish();
  }

  readonly size: number;
  readonly #root: Branch<V>;

  private constructor(root: Branch<V>, size: number) {
    this.#root = root;
    this.size = size;
  }

  /** Made by {@link MapEditor.finish}. */
  static ofTrie<V>(root: Branch<V>, size: number): PersistentMap<V> {
    return size === 0 ? PersistentMap.empty() : new PersistentMap(root, size);
  }

  get(key: string): V | undefined {
    return find(this.#root, key)?.value;
  }

  has(key: string): boolean {
    return find(this.#root, key) !== undefined;
  }

  with(key: string, value: V): PersistentMap<V> {
    const editor = this.edit();
    editor.set(key, value);
    return editor.finish();
  }

  without(key: string): PersistentMap<V> {
    const editor = this.edit();
    editor.delete(key);
    return editor.finish();
  }

  /** Changes are gathered in the editor; this map stays as it is. */
  edit(): MapEditor<V> {
    return new MapEditor(this, this.#root);
  }

  /** In an order that depends on the keys only, not on the history. */
  *[Symbol.iterator](): Generator<[string, V]> {
    for (const leaf of leavesOf(this.#root)) yield [leaf.key, leaf.value];
  }

  /** As the iteration. */
  keys(): string[] {
    return leavesOf(this.#root).map(leaf => leaf.key);
  }

  /** As the iteration. */
  values(): V[] {
    return leavesOf(this.#root).map(leaf => leaf.value);
  }
}

/** Gathers changes to a {@link PersistentMap}. */
export class MapEditor<V> {
  readonly #base: PersistentMap<V>;
  readonly #baseRoot: Branch<V>;
  #owner: Owner = {};
  #root: Branch<V>;
  #size: number;

  constructor(base: PersistentMap<V>, root: Branch<V>) {
    this.#base = base;
    this.#baseRoot = root;
    this.#root = root;
    this.#size = base.size;
  }

  get size(): number {
    return this.#size;
  }

  get(key: string): V | undefined {
    return find(this.#root, key)?.value;
  }

  has(key: string): boolean {
    return find(this.#root, key) !== undefined;
  }

  set(key: string, value: V): void {
    const before = find(this.#root, key);
    if (before !== undefined && before.value === value) return;
    if (before === undefined) this.#size += 1;
    this.#root = insert(this.#root, 0, new Leaf(hashOf(key), key, value), this.#owner);
  }

  delete(key: string): boolean {
    if (!this.has(key)) return false;
    this.#size -= 1;
    const left = remove(this.#root, 0, hashOf(key), key, this.#owner);
    this.#root = left instanceof Branch ? left : branchAbove(left, this.#owner);
    return true;
  }

  /** The map with all changes. The editor may be used on: it then works on a copy. */
  finish(): PersistentMap<V> {
    this.#owner = {};
    return this.#root === this.#baseRoot ? this.#base : PersistentMap.ofTrie(this.#root, this.#size);
  }
}

function find<V>(root: Branch<V>, key: string): Leaf<V> | undefined {
  const hash = hashOf(key);
  let node: Node<V> = root;
  for (let shift = 0; ; shift += BITS_PER_LEVEL) {
    if (node instanceof Leaf) return node.key === key ? node : undefined;
    if (node instanceof Bucket) return node.leaves.find(leaf => leaf.key === key);
    const bit = bitOf(hash, shift);
    if ((node.bitmap & bit) === 0) return undefined;
    node = node.children[indexOf(node.bitmap, bit)] as Node<V>;
  }
}

function insert<V>(branch: Branch<V>, shift: number, leaf: Leaf<V>, owner: Owner): Branch<V> {
  const bit = bitOf(leaf.hash, shift);
  const index = indexOf(branch.bitmap, bit);
  const own = owned(branch, owner);
  if ((branch.bitmap & bit) === 0) {
    own.bitmap |= bit;
    own.children.splice(index, 0, leaf);
  } else {
    own.children[index] = insertInto(branch.children[index] as Node<V>, shift + BITS_PER_LEVEL, leaf, owner);
  }
  return own;
}

function insertInto<V>(node: Node<V>, shift: number, leaf: Leaf<V>, owner: Owner): Node<V> {
  if (node instanceof Branch) return insert(node, shift, leaf, owner);
  if (node.hash === leaf.hash) {
    if (node instanceof Leaf) return node.key === leaf.key ? leaf : new Bucket(leaf.hash, [node, leaf]);
    return new Bucket(leaf.hash, [...node.leaves.filter(other => other.key !== leaf.key), leaf]);
  }
  return insert(new Branch(owner, bitOf(node.hash, shift), [node]), shift, leaf, owner);
}

/** What is left of `node`, or null when nothing is. The key is known to be there. */
function remove<V>(node: Node<V>, shift: number, hash: number, key: string, owner: Owner): Node<V> | null {
  if (node instanceof Leaf) return null;
  if (node instanceof Bucket) {
    const leaves = node.leaves.filter(leaf => leaf.key !== key);
    return leaves.length === 1 ? (leaves[0] as Leaf<V>) : new Bucket(hash, leaves);
  }
  const bit = bitOf(hash, shift);
  const index = indexOf(node.bitmap, bit);
  const left = remove(node.children[index] as Node<V>, shift + BITS_PER_LEVEL, hash, key, owner);
  const own = owned(node, owner);
  if (left !== null) {
    own.children[index] = left;
  } else {
    own.bitmap &= ~bit;
    own.children.splice(index, 1);
  }
  // A lone leaf moves up, so that the shape of the trie depends on its keys alone.
  const only = own.children[0];
  return own.children.length === 1 && shift > 0 && !(only instanceof Branch) ? (only as Node<V>) : own;
}

function owned<V>(branch: Branch<V>, owner: Owner): Branch<V> {
  return branch.owner === owner ? branch : new Branch(owner, branch.bitmap, branch.children.slice());
}

function branchAbove<V>(node: Node<V> | null, owner: Owner): Branch<V> {
  if (node === null) return new Branch(owner, 0, []);
  return new Branch(owner, bitOf((node as Leaf<V>).hash, 0), [node]);
}

/** Gathered rather than generated: nested generators take a hundred times as long. */
function leavesOf<V>(node: Node<V>, leaves: Leaf<V>[] = []): Leaf<V>[] {
  if (node instanceof Leaf) {
    leaves.push(node);
  } else if (node instanceof Bucket) {
    leaves.push(...[...node.leaves].sort((a, b) => (a.key < b.key ? -1 : 1)));
  } else {
    for (const child of node.children) leavesOf(child, leaves);
  }
  return leaves;
}

function bitOf(hash: number, shift: number): number {
  return 1 << ((hash >>> shift) & LEVEL_MASK);
}

/** How many bits of `bitmap` are set below `bit`. */
function indexOf(bitmap: number, bit: number): number {
  let bits = bitmap & (bit - 1);
  bits -= (bits >>> 1) & 0x55555555;
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
  return (((bits + (bits >>> 4)) & 0x0f0f0f0f) * 0x01010101) >>> 24;
}

/** FNV-1a over the UTF-16 units, its bits then mixed so that the low ones, used first, depend on all. */
function hashOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < key.length; index += 1) hash = Math.imul(hash ^ key.charCodeAt(index), 0x01000193);
  hash ^= hash >>> 15;
  return Math.imul(hash, 0x2c1b3c6d) >>> 0;
}
