import { expect } from "chai";
import fc from "fast-check";
import { ApiError, Errors } from "../../../protocol/errors.ts";
import { placeReplicas, type UsableBroker } from "../../../src/metadata/controller/placement.ts";

const brokers = (count: number, racks = 0): UsableBroker[] =>
  Array.from({ length: count }, (_, id) => ({ id, rack: racks === 0 ? null : `rack-${id % racks}`, isActive: true }));

function countBy<T>(items: readonly T[]): Map<T, number> {
  const counts = new Map<T, number>();
  for (const item of items) counts.set(item, (counts.get(item) ?? 0) + 1);
  return counts;
}

const cluster = fc.record({
  racks: fc.integer({ min: 0, max: 4 }),
  perRack: fc.integer({ min: 1, max: 4 }),
  start: fc.integer({ min: 0, max: 70_000 }),
  partitionCount: fc.integer({ min: 1, max: 60 }),
  replicationFactor: fc.integer({ min: 1, max: 4 }),
});

describe("placeReplicas", () => {
  it("gives every partition distinct brokers, spread over as many racks as can be", () => {
    fc.assert(
      fc.property(cluster, ({ racks, perRack, start, partitionCount, replicationFactor }) => {
        const all = brokers(Math.max(1, racks) * perRack, racks);
        fc.pre(replicationFactor <= all.length);
        const placed = placeReplicas(all, { partitionCount, replicationFactor, start });
        expect(placed).to.have.length(partitionCount);
        for (const replicas of placed) {
          expect(new Set(replicas).size).to.equal(replicationFactor);
          const used = new Set(replicas.map(id => all[id]?.rack));
          expect(used.size).to.equal(Math.min(replicationFactor, Math.max(1, racks)));
        }
      }),
    );
  });

  it("spreads leaders evenly over brokers of even racks", () => {
    fc.assert(
      fc.property(cluster, ({ racks, perRack, start, partitionCount, replicationFactor }) => {
        const all = brokers(Math.max(1, racks) * perRack, racks);
        fc.pre(replicationFactor <= all.length);
        const placed = placeReplicas(all, { partitionCount, replicationFactor, start });
        const leaders = countBy(placed.map(replicas => replicas[0]));
        const expected = partitionCount / all.length;
        for (const count of leaders.values()) expect(Math.abs(count - expected)).to.be.below(1.0001);
      }),
    );
  });

  it("spreads all replicas evenly over a cluster of nine brokers", () => {
    const placed = placeReplicas(brokers(9, 3), { partitionCount: 90, replicationFactor: 3, start: 0 });
    for (const count of countBy(placed.flat()).values()) expect(count).to.be.within(25, 35);
  });

  it("pairs a leader with different followers", () => {
    const placed = placeReplicas(brokers(6), { partitionCount: 60, replicationFactor: 2, start: 0 });
    for (let leader = 0; leader < 6; leader += 1) {
      const followers = new Set(placed.filter(([first]) => first === leader).map(([, second]) => second));
      expect(followers.size).to.be.greaterThan(2);
    }
  });

  it("gives node 0 of three at least three leaders of nine partitions", () => {
    for (let start = 0; start < 20; start += 1) {
      const placed = placeReplicas(brokers(3), { partitionCount: 9, replicationFactor: 1, start });
      expect(placed.filter(([leader]) => leader === 0)).to.have.length(3);
    }
  });

  it("lets no broker lead that is not active, but may give it replicas", () => {
    const all = brokers(3).map(broker => ({ ...broker, isActive: broker.id !== 1 }));
    const placed = placeReplicas(all, { partitionCount: 20, replicationFactor: 3, start: 0 });
    for (const replicas of placed) {
      expect(replicas[0]).to.not.equal(1);
      expect(replicas.at(-1)).to.equal(1);
    }
  });

  it("refuses when there are too few brokers, or none that is active", () => {
    const options = { partitionCount: 1, replicationFactor: 3, start: 0 };
    const fenced = brokers(3).map(broker => ({ ...broker, isActive: false }));
    for (const all of [[], brokers(2), fenced]) {
      expect(() => placeReplicas(all, options))
        .to.throw(ApiError)
        .with.property("code", Errors.INVALID_REPLICATION_FACTOR);
    }
  });
});
