import { expect } from "chai";
import { ControllerState } from "../../../src/metadata/controller/controller-state.ts";
import { type MetadataRecord, record } from "../../../src/metadata/records.ts";
import { uuidOf } from "../support/controller-fixture.ts";

const partitionRecord = (topicId: string, leader: number) =>
  record("PartitionRecord", 2, {
    partitionId: 0,
    topicId,
    replicas: [1, 2],
    isr: [leader],
    removingReplicas: [],
    addingReplicas: [],
    leader,
    leaderRecoveryState: 0,
    leaderEpoch: 0,
    partitionEpoch: 0,
    directories: [uuidOf(1), uuidOf(2)],
    eligibleLeaderReplicas: null,
    lastKnownElr: null,
  });

function apply(state: ControllerState, ...records: MetadataRecord[]): void {
  for (const item of records) state.apply(item, { offset: state.image.offset + 1, epoch: 1, appendTimeMs: 0 });
}

describe("ControllerState", () => {
  const [kept, dropped] = [uuidOf(1), uuidOf(2)];

  function withTransaction(): ControllerState {
    const state = new ControllerState();
    apply(state, record("TopicRecord", 0, { topicId: kept, name: "kept" }), partitionRecord(kept, 1));
    apply(state, record("BeginTransactionRecord", 0, { name: "test" }));
    apply(state, record("TopicRecord", 0, { topicId: dropped, name: "dropped" }), partitionRecord(dropped, 2));
    return state;
  }

  it("shows from within what an open transaction holds, in the index too", () => {
    const { index, isInTransaction } = withTransaction();
    expect(isInTransaction).to.equal(true);
    expect([...index.ledBy.of(2)]).to.deep.equal([[dropped, 0]]);
    expect(index.partitionCount).to.equal(2);
  });

  it("forgets a transaction that is aborted, in the index too", () => {
    const state = withTransaction();
    apply(state, record("AbortTransactionRecord", 0, { reason: "test" }));
    expect(state.image.topics.byName.keys()).to.deep.equal(["kept"]);
    expect(state.index.ledBy.of(2).size).to.equal(0);
    expect([...state.index.ledBy.of(1)]).to.deep.equal([[kept, 0]]);
    expect(state.index.partitionCount).to.equal(1);
  });

  it("forgets the partitions of a topic that is removed", () => {
    const state = withTransaction();
    apply(state, record("RemoveTopicRecord", 0, { topicId: dropped }));
    expect(state.index.inIsrOf.of(2).size).to.equal(0);
    expect(state.index.partitionCount).to.equal(1);
  });
});
