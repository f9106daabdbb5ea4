import { expect } from "chai";
import {
  changeOf,
  type PartitionRules,
  type PartitionTarget,
} from "../../../src/metadata/controller/partition-change.ts";
import type { PartitionImage } from "../../../src/metadata/topics-image.ts";
import { uuidOf } from "../support/controller-fixture.ts";

const NO_LEADER = -1;

/** Led by 1, with a minimum of two in sync. */
const base: PartitionImage = {
  partition: 0,
  replicas: [1, 2, 3],
  directories: [uuidOf(1), uuidOf(2), uuidOf(3)],
  isr: [1, 2, 3],
  removingReplicas: [],
  addingReplicas: [],
  eligibleLeaderReplicas: [],
  lastKnownElr: [],
  leader: 1,
  leaderRecoveryState: 0,
  leaderEpoch: 5,
  partitionEpoch: 9,
};

const leaderless = { ...base, isr: [], leader: NO_LEADER };

function change(
  partition: PartitionImage,
  target: PartitionTarget,
  alive: readonly number[],
  rules: Partial<PartitionRules> = {},
): unknown {
  return changeOf(partition, target, {
    hasElr: true,
    minIsr: () => 2,
    mayLead: id => alive.includes(id),
    directoryOf: uuidOf,
    ...rules,
  });
}

describe("changeOf", () => {
  describe("elects", () => {
    it("the first living replica in sync, in order of preference", () => {
      expect(change({ ...base, isr: [3, 2] }, {}, [2, 3])).to.deep.equal({ leader: 2 });
    });

    it("nobody new while the leader may lead", () => {
      expect(change({ ...base, leader: 3 }, {}, [1, 2, 3])).to.equal(null);
    });

    it("the preferred replica when that is asked for, and only when it is in sync", () => {
      expect(change({ ...base, leader: 3 }, { election: "preferred" }, [1, 2, 3])).to.deep.equal({ leader: 1 });
      expect(change({ ...base, leader: 3, isr: [2, 3] }, { election: "preferred" }, [1, 2, 3])).to.equal(null);
      expect(change({ ...base, leader: NO_LEADER, isr: [2, 3] }, { election: "preferred" }, [1, 3])).to.deep.equal({
        leader: 3,
      });
    });

    it("an eligible replica when nobody is in sync", () => {
      const partition = { ...leaderless, eligibleLeaderReplicas: [2, 3], lastKnownElr: [2] };
      expect(change(partition, {}, [3])).to.deep.equal({
        leader: 3,
        isr: [3],
        eligibleLeaderReplicas: [2],
        lastKnownElr: [],
      });
    });

    it("no eligible replica while somebody is in sync", () => {
      const partition = { ...base, leader: NO_LEADER, isr: [1], eligibleLeaderReplicas: [2] };
      expect(change(partition, {}, [2, 3])).to.equal(null);
    });

    it("nobody rather than lose what was committed, not even who led last", () => {
      expect(change({ ...leaderless, lastKnownElr: [2] }, {}, [2, 3])).to.equal(null);
    });

    it("who led last, then the first that lives, when it may be unclean; alone in sync and recovering", () => {
      const unclean: PartitionTarget = { election: "unclean" };
      expect(change({ ...leaderless, lastKnownElr: [3] }, unclean, [2, 3])).to.deep.equal({
        leader: 3,
        isr: [3],
        leaderRecoveryState: 1,
        lastKnownElr: [],
      });
      expect(change({ ...leaderless, eligibleLeaderReplicas: [1] }, unclean, [2, 3])).to.deep.equal({
        leader: 2,
        isr: [2],
        eligibleLeaderReplicas: [],
        leaderRecoveryState: 1,
      });
    });

    it("uncleanly without those who are in sync and gone", () => {
      const stranded = { ...base, leader: NO_LEADER, isr: [1] };
      expect(change(stranded, { election: "unclean" }, [2, 3], { hasElr: false })).to.deep.equal({
        leader: 2,
        isr: [2],
        leaderRecoveryState: 1,
      });
    });

    it("cleanly, though it may be unclean, where somebody in sync lives", () => {
      const partition = { ...base, leader: NO_LEADER, isr: [3] };
      expect(change(partition, { election: "unclean" }, [2, 3])).to.deep.equal({ leader: 3 });
    });

    it("the only replica there is, as no other can hold more", () => {
      const single = { ...leaderless, replicas: [1], directories: [uuidOf(1)], lastKnownElr: [1] };
      expect(change(single, {}, [1])).to.deep.equal({ leader: 1, isr: [1], lastKnownElr: [] });
    });
  });

  describe("keeps eligible replicas", () => {
    it("of those who leave an ISR that falls below its minimum", () => {
      expect(change({ ...base, isr: [1, 2] }, { isr: [1] }, [1, 2, 3])).to.deep.equal({
        isr: [1],
        eligibleLeaderReplicas: [2],
      });
      expect(change(base, { isr: [1, 2] }, [1, 2, 3])).to.deep.equal({ isr: [1, 2] });
    });

    it("until the minimum is reached again", () => {
      const partition = { ...base, isr: [1], eligibleLeaderReplicas: [2, 3] };
      expect(change(partition, { isr: [1, 3] }, [1, 3])).to.deep.equal({ isr: [1, 3], eligibleLeaderReplicas: [] });
    });

    it("without those who may have lost records", () => {
      const partition = { ...leaderless, eligibleLeaderReplicas: [2, 3], lastKnownElr: [2] };
      expect(change(partition, { lossy: [2] }, [])).to.deep.equal({ eligibleLeaderReplicas: [3] });
    });

    it("when the last in sync goes, and remembers who led", () => {
      expect(change({ ...base, isr: [1] }, { isr: [] }, [2, 3])).to.deep.equal({
        isr: [],
        leader: NO_LEADER,
        eligibleLeaderReplicas: [1],
        lastKnownElr: [1],
      });
    });

    it("not at all where the cluster does not have them: the last in sync then stays so", () => {
      const rules = { hasElr: false };
      expect(change({ ...base, isr: [1] }, { isr: [] }, [2, 3], rules)).to.deep.equal({ leader: NO_LEADER });
      expect(change({ ...base, isr: [1, 2] }, { isr: [1] }, [1], rules)).to.deep.equal({ isr: [1] });
    });
  });

  describe("with a reassignment under way", () => {
    const moving = {
      ...base,
      replicas: [4, 1, 2, 3],
      directories: [4, 1, 2, 3].map(uuidOf),
      addingReplicas: [4],
      removingReplicas: [2, 3],
    };

    it("waits until all target replicas are in sync", () => {
      expect(change(moving, { isr: [1, 2] }, [1, 2, 3, 4])).to.deep.equal({ isr: [1, 2] });
    });

    it("then drops the others, under a new leader epoch", () => {
      expect(change(moving, { isr: [1, 2, 3, 4] }, [1, 2, 3, 4])).to.deep.equal({
        isr: [1, 4],
        leader: 1,
        replicas: [4, 1],
        addingReplicas: [],
        removingReplicas: [],
        directories: [uuidOf(4), uuidOf(1)],
      });
    });

    it("elects another leader where the old one is among those that go", () => {
      expect(change({ ...moving, leader: 3 }, { isr: [1, 2, 3, 4] }, [1, 2, 3, 4])).to.deep.include({
        leader: 4,
        isr: [1, 4],
      });
    });

    it("counts replicas that are being added to no minimum", () => {
      const growing = { ...base, isr: [1], replicas: [1, 2, 3], addingReplicas: [2, 3] };
      const rules = { minIsr: (replicationFactor: number) => replicationFactor };
      expect(change(growing, { isr: [1, 2] }, [1, 2, 3], rules)).to.deep.equal({ isr: [1, 2] });
    });

    it("keeps no eligible replica that is gone", () => {
      const shrinking = { ...base, removingReplicas: [2, 3] };
      const rules = { minIsr: () => 3 };
      expect(change(shrinking, { isr: [1] }, [1, 2, 3], rules)).to.not.have.property("eligibleLeaderReplicas");
    });
  });

  it("gives new replicas their directory and lets the others keep theirs", () => {
    const target = { replicas: [1, 2, 3, 7], addingReplicas: [7] };
    expect(change(base, target, [1, 2, 3])).to.deep.include({ directories: [1, 2, 3, 7].map(uuidOf) });
    const directories = new Map([[2, uuidOf(22)]]);
    expect(change(base, { directories }, [1, 2, 3])).to.deep.equal({ directories: [1, 22, 3].map(uuidOf) });
  });

  it("changes nothing where nothing is asked", () => {
    expect(change(base, {}, [1, 2, 3])).to.equal(null);
  });
});
