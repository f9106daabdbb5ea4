import { expect } from "chai";
import fc from "fast-check";
import type { Assignment } from "../../../src/coordinators/group/consumer/assignment.ts";
import { type AssignorInput, assignors } from "../../../src/coordinators/group/consumer/assignors/index.ts";

type Topics = Record<string, number>;
type Members = Record<string, { topics: string[]; instanceId?: string; target?: Record<string, number[]> }>;

function input(topics: Topics, members: Members): AssignorInput {
  const list = Object.entries(members).map(([memberId, { topics: topicIds, instanceId = null, target = {} }]) => ({
    memberId,
    instanceId,
    topicIds,
    target: new Map(Object.entries(target).map(([topicId, partitions]) => [topicId, new Set(partitions)])),
  }));
  const first = list[0]?.topicIds ?? [];
  const isHomogeneous = list.every(
    ({ topicIds }) => topicIds.length === first.length && topicIds.every((topicId, index) => topicId === first[index]),
  );
  return { members: list, isHomogeneous, partitionCount: topicId => topics[topicId] ?? 0 };
}

function plain(result: ReadonlyMap<string, Assignment>): Record<string, Record<string, number[]>> {
  const object: Record<string, Record<string, number[]>> = {};
  for (const [memberId, assignment] of result) {
    object[memberId] = Object.fromEntries(
      Array.from(assignment, ([topicId, partitions]) => [topicId, [...partitions].sort((a, b) => a - b)]),
    );
  }
  return object;
}

const sizeOf = (assignment: Assignment) =>
  [...assignment.values()].reduce((sum, partitions) => sum + partitions.size, 0);

describe("range assignor", () => {
  it("gives neighbouring partitions, the first members those left over", () => {
    const result = assignors.range(input({ a: 5, b: 3 }, { m1: { topics: ["a", "b"] }, m2: { topics: ["a", "b"] } }));
    expect(plain(result)).to.deep.equal({ m1: { a: [0, 1, 2], b: [0, 1] }, m2: { a: [3, 4], b: [2] } });
  });

  it("puts static members first, by instance id", () => {
    const members: Members = {
      m1: { topics: ["a"] },
      m2: { topics: ["a"], instanceId: "y" },
      m3: { topics: ["a"], instanceId: "x" },
    };
    expect(plain(assignors.range(input({ a: 3 }, members)))).to.deep.equal({
      m3: { a: [0] },
      m2: { a: [1] },
      m1: { a: [2] },
    });
  });

  it("shares a topic among those that want it", () => {
    const members: Members = { m1: { topics: ["a"] }, m2: { topics: ["a", "b"] }, m3: { topics: ["b"] } };
    expect(plain(assignors.range(input({ a: 2, b: 2 }, members)))).to.deep.equal({
      m1: { a: [0] },
      m2: { a: [1], b: [0] },
      m3: { b: [1] },
    });
  });
});

describe("uniform assignor", () => {
  it("moves no more than it must when a member joins", () => {
    const members: Members = {
      m1: { topics: ["a"], target: { a: [0, 1, 2] } },
      m2: { topics: ["a"], target: { a: [3, 4, 5] } },
      m3: { topics: ["a"] },
    };
    expect(plain(assignors.uniform(input({ a: 6 }, members)))).to.deep.equal({
      m1: { a: [0, 1] },
      m2: { a: [3, 4] },
      m3: { a: [2, 5] },
    });
  });

  it("leaves an extra partition with whom has it", () => {
    const members: Members = {
      m1: { topics: ["a"], target: { a: [0] } },
      m2: { topics: ["a"], target: { a: [1, 2] } },
    };
    expect(plain(assignors.uniform(input({ a: 3 }, members)))).to.deep.equal({ m2: { a: [1, 2] }, m1: { a: [0] } });
  });

  it("passes partitions on over others where two members want nothing in common", () => {
    const members: Members = {
      m1: { topics: ["a"], target: { a: [0, 1, 2] } },
      m2: { topics: ["a", "b"], target: { b: [0, 1] } },
      m3: { topics: ["b"], target: { b: [2] } },
    };
    const result = plain(assignors.uniform(input({ a: 3, b: 3 }, members)));
    expect(result).to.deep.equal({ m1: { a: [0, 1] }, m2: { a: [2], b: [0] }, m3: { b: [1, 2] } });
  });

  it("evens out members that want different topics", () => {
    const members: Members = {
      m1: { topics: ["a", "b"], target: { a: [0, 1], b: [0, 1] } },
      m2: { topics: ["a"] },
      m3: { topics: ["b"] },
    };
    const result = assignors.uniform(input({ a: 2, b: 2 }, members));
    expect([...result.values()].map(sizeOf).sort()).to.deep.equal([1, 1, 2]);
  });
});

const situations = fc
  .record({
    counts: fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 4 }),
    wants: fc.array(fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }), { minLength: 1, maxLength: 5 }),
    isAlike: fc.boolean(),
  })
  .map(({ counts, wants, isAlike }) => {
    const topics: Topics = Object.fromEntries(counts.map((count, index) => [`t${index}`, count]));
    const ids = Object.keys(topics);
    const members: Members = {};
    for (const [index, flags] of wants.entries()) {
      members[`m${index}`] = { topics: isAlike ? ids : ids.filter((_, topic) => flags[topic]) };
    }
    return { topics, members };
  });

for (const name of ["uniform", "range"] as const) {
  describe(`${name} assignor, whatever the members want`, () => {
    it("gives every wanted partition to exactly one member that wants it", () => {
      fc.assert(
        fc.property(situations, ({ topics, members }) => {
          const result = plain(assignors[name](input(topics, members)));
          const owners = new Map<string, string>();
          for (const [memberId, assignment] of Object.entries(result)) {
            for (const [topicId, partitions] of Object.entries(assignment)) {
              expect(members[memberId]!.topics).to.include(topicId);
              for (const partition of partitions) {
                expect(owners.has(`${topicId}:${partition}`)).to.equal(false);
                owners.set(`${topicId}:${partition}`, memberId);
              }
            }
          }
          const wanted = new Set(Object.values(members).flatMap(({ topics: ids }) => ids));
          const total = [...wanted].reduce((sum, topicId) => sum + topics[topicId]!, 0);
          expect(owners.size).to.equal(total);
        }),
      );
    });
  });
}

describe("uniform assignor, whatever the members want", () => {
  it("is as even as single moves can make it, and stays as it is when asked again", () => {
    fc.assert(
      fc.property(situations, ({ topics, members }) => {
        const first = assignors.uniform(input(topics, members));
        const again: Members = {};
        for (const [memberId, { topics: ids }] of Object.entries(members)) {
          again[memberId] = { topics: ids, target: plain(first)[memberId]! };
        }
        expect(plain(assignors.uniform(input(topics, again)))).to.deep.equal(plain(first));
        for (const [owner, assignment] of first) {
          for (const topicId of assignment.keys()) {
            for (const [other, { topics: ids }] of Object.entries(members)) {
              if (!ids.includes(topicId)) continue;
              expect(sizeOf(first.get(owner)!) - sizeOf(first.get(other)!)).to.be.below(2);
            }
          }
        }
      }),
    );
  });

  it("shares 2,000 partitions among 500 members in less than 50 ms", () => {
    const members: Members = {};
    for (let index = 0; index < 500; index += 1) members[`m${index}`] = { topics: ["a", "b"] };
    const startMs = performance.now();
    const result = assignors.uniform(input({ a: 1_000, b: 1_000 }, members));
    expect(performance.now() - startMs).to.be.below(50);
    expect(new Set([...result.values()].map(sizeOf))).to.deep.equal(new Set([4]));
  });
});
