import { expect } from "chai";
import fc from "fast-check";
import { PersistentMap } from "../../src/metadata/persistent-map.ts";

/** Keys of which many share hashes' beginnings, and some collide in all 32 bits with FNV-1a. */
const keys = fc.oneof(fc.constantFrom("costarring", "liquid", "declinate", "macallums"), fc.string({ maxLength: 3 }));

const changes = fc.array(
  fc.record({ key: keys, value: fc.option(fc.integer(), { nil: null }), isFinished: fc.boolean() }),
  { maxLength: 200 },
);

describe("PersistentMap", () => {
  it("holds what a Map holds after any changes, and never changes what was finished", () => {
    fc.assert(
      fc.property(changes, list => {
        const model = new Map<string, number>();
        const finished: { map: PersistentMap<number>; entries: [string, number][] }[] = [];
        let editor = PersistentMap.empty<number>().edit();
        for (const { key, value, isFinished } of list) {
          if (value === null) {
            expect(editor.delete(key)).to.equal(model.delete(key));
          } else {
            editor.set(key, value);
            model.set(key, value);
          }
          expect(editor.get(key)).to.equal(model.get(key));
          expect(editor.size).to.equal(model.size);
          if (!isFinished) continue;
          const map = editor.finish();
          finished.push({ map, entries: [...model] });
          if (map.size % 2 === 0) editor = map.edit();
        }
        finished.push({ map: editor.finish(), entries: [...model] });
        for (const { map, entries } of finished) {
          expect(map.size).to.equal(entries.length);
          expect([...map]).to.have.deep.members(entries);
          for (const [key, value] of entries) expect(map.get(key)).to.equal(value);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("walks in an order that depends on the keys alone", () => {
    const names = Array.from({ length: 500 }, (_, index) => `topic-${index}`);
    const forward = PersistentMap.from(names.map(name => [name, 1] as const));
    const editor = PersistentMap.from([...names].reverse().map(name => [name, 1] as const)).edit();
    editor.set("other", 1);
    editor.delete("other");
    expect([...editor.finish().keys()]).to.deep.equal([...forward.keys()]);
  });

  it("keeps keys apart whose hashes are the same", () => {
    const map = PersistentMap.from([
      ["costarring", 1],
      ["liquid", 2],
    ] as const);
    expect([map.get("costarring"), map.get("liquid"), map.get("other")]).to.deep.equal([1, 2, undefined]);
    expect([...map.without("costarring")]).to.deep.equal([["liquid", 2]]);
  });

  it("gives the same map when nothing changed", () => {
    const map = PersistentMap.from([["a", 1]]);
    expect(map.with("a", 1)).to.equal(map);
    expect(map.without("b")).to.equal(map);
    expect(map.edit().finish()).to.equal(map);
  });
});
