import { expect } from "chai";
import { Errors } from "../../protocol/errors.ts";
import { ZERO_UUID } from "../../protocol/schema.ts";
import { CoreCluster, CoreNode, keyOfNode, voterOf } from "./support/core-cluster.ts";

function voteFor(candidate: number, voter: number, epoch: number, more: object = {}) {
  return {
    voter: keyOfNode(voter),
    candidate: keyOfNode(candidate),
    epoch,
    lastEpoch: 0,
    endOffset: 0,
    isPreVote: false,
    ...more,
  };
}

function started(id: number, voterIds: number[]): CoreNode {
  const node = new CoreNode(id, voterIds);
  node.perform(node.core.start(0, 0));
  return node;
}

/** Three nodes, the first of which leads with everything replicated. */
function ledByFirst(): CoreCluster {
  const cluster = new CoreCluster([1, 2, 3]);
  cluster.elect(1);
  return cluster;
}

describe("raft core: elections", () => {
  it("asks for pre-votes first, and raises the epoch only when a majority would elect it", () => {
    const node = started(1, [1, 2, 3]);
    node.nowMs = node.core.nextDeadlineMs;
    node.tick();
    expect(node.core.role).to.equal("prospective");
    expect(node.core.epoch).to.equal(0);
    expect(node.last("sendVote")?.request).to.include({ isPreVote: true, epoch: 0 });
    const round = node.last("sendVote")?.round as number;
    node.perform(
      node.core.voteAnswered(2, round, { errorCode: 0, leaderId: -1, epoch: 0, isGranted: true }, node.nowMs),
    );
    expect(node.core.role).to.equal("candidate");
    expect(node.core.epoch).to.equal(1);
  });

  it("persists epoch and own vote before it asks anybody", () => {
    const node = started(1, [1, 2, 3]);
    node.nowMs = node.core.nextDeadlineMs;
    node.tick();
    const round = node.last("sendVote")?.round as number;
    const answer = { errorCode: 0, leaderId: -1, epoch: 0, isGranted: true };
    const actions = node.core.voteAnswered(2, round, answer, node.nowMs);
    expect(actions[0]).to.deep.include({ type: "persist" });
    expect(actions[0]).to.have.nested.property("state.votedId", 1);
    expect(actions.some(({ type }) => type === "sendVote")).to.equal(true);
  });

  it("persists a vote before it is answered, and gives one in an epoch", () => {
    const node = started(2, [1, 2, 3]);
    const first = node.core.vote(voteFor(1, 2, 5), 0);
    expect(first.reply).to.include({ isGranted: true, epoch: 5 });
    expect(first.actions[0]).to.deep.include({ type: "persist" });
    node.perform(first.actions);
    expect(node.core.vote(voteFor(3, 2, 5), 0).reply.isGranted).to.equal(false);
    expect(node.core.vote(voteFor(1, 2, 5), 0).reply.isGranted, "asked again").to.equal(true);
    node.restart();
    expect(node.core.vote(voteFor(3, 2, 5), 0).reply.isGranted, "after a restart").to.equal(false);
  });

  it("grants nothing to a log that lacks what its own holds", () => {
    const cluster = ledByFirst();
    const node = cluster.node(2);
    const { lastEpoch, logEndOffset: endOffset } = node.log;
    expect(node.core.vote(voteFor(3, 2, 9, { lastEpoch, endOffset: endOffset - 1 }), 0).reply.isGranted).to.equal(
      false,
    );
    expect(node.core.vote(voteFor(3, 2, 9, { lastEpoch: lastEpoch - 1, endOffset: 1000 }), 0).reply.isGranted).to.equal(
      false,
    );
    expect(node.core.vote(voteFor(3, 2, 9, { lastEpoch, endOffset }), 0).reply.isGranted).to.equal(true);
  });

  it("refuses a pre-vote while it hears a leader, and grants it when the leader is gone (KIP-996)", () => {
    const cluster = ledByFirst();
    const node = cluster.node(2);
    const { lastEpoch, logEndOffset: endOffset } = node.log;
    const request = voteFor(3, 2, 1, { lastEpoch, endOffset, isPreVote: true });
    expect(node.core.vote(request, 0).reply).to.include({ isGranted: false, leaderId: 1 });
    const { token } = (node.last("sendFetch") as { fetch: { token: number } }).fetch;
    node.perform(node.core.fetchFailed(token, true, node.nowMs));
    expect(node.core.vote(request, 0).reply.isGranted).to.equal(true);
    expect(node.core.epoch, "a pre-vote changes nothing").to.equal(1);
  });

  it("takes no vote from a directory that is not the one elected to vote", () => {
    const node = new CoreNode(2, [1, 2, 3], { key: { id: 2, directoryId: "anotherDirectoryId001A" } });
    node.perform(node.core.start(0, 0));
    expect(node.core.voters.has(node.key)).to.equal(false);
    expect(node.core.vote(voteFor(1, 2, 3), 0).reply).to.include({
      errorCode: Errors.INVALID_VOTER_KEY,
      isGranted: false,
    });
    expect(node.core.epoch).to.equal(0);
    node.nowMs = 1_000_000;
    node.tick();
    expect(node.core.role).to.equal("unattached");
  });

  it("needs the directory's name where voters have one", () => {
    const node = started(2, [1, 2, 3]);
    const request = { ...voteFor(1, 2, 3), voter: { id: 2, directoryId: ZERO_UUID } };
    expect(node.core.vote(request, 0).reply.errorCode).to.equal(Errors.INVALID_VOTER_KEY);
  });

  it("fences candidates of the past", () => {
    const node = started(2, [1, 2, 3]);
    node.perform(node.core.vote(voteFor(1, 2, 5), 0).actions);
    expect(node.core.vote(voteFor(3, 2, 4), 0).reply).to.include({ errorCode: Errors.FENCED_LEADER_EPOCH, epoch: 5 });
  });

  it("does not lead again in the epoch it led before a restart, nor vote in it", () => {
    const cluster = ledByFirst();
    const node = cluster.node(1);
    node.restart();
    expect(node.core.role).to.equal("unattached");
    expect(node.core.epoch).to.equal(1);
    const { lastEpoch, logEndOffset: endOffset } = node.log;
    expect(node.core.vote(voteFor(2, 1, 1, { lastEpoch, endOffset }), 0).reply.isGranted).to.equal(false);
  });

  it("goes back to the leader when others still hear it", () => {
    const cluster = ledByFirst();
    const node = cluster.node(2);
    node.nowMs = node.core.nextDeadlineMs;
    node.tick();
    expect(node.core.role).to.equal("prospective");
    cluster.settle();
    expect(node.core.role).to.equal("follower");
    expect(node.core.epoch).to.equal(1);
    expect(cluster.node(1).core.role).to.equal("leader");
  });

  it("wants a majority", () => {
    const cluster = new CoreCluster([1, 2, 3, 4, 5]);
    cluster.cut.add(3).add(4).add(5);
    const node = cluster.node(1);
    node.nowMs = node.core.nextDeadlineMs;
    node.tick();
    cluster.settle();
    expect(node.core.role).to.equal("prospective");
    cluster.cut.delete(3);
    node.nowMs = node.core.nextDeadlineMs;
    node.tick();
    cluster.settle();
    expect(node.core.role).to.equal("leader");
  });
});

describe("raft core: replication", () => {
  it("commits what is flushed on a majority, the leader's own log counted as far as it is flushed", () => {
    const cluster = ledByFirst();
    const leader = cluster.node(1);
    const before = leader.core.highWatermark;
    cluster.flushes = false;
    cluster.cut.add(3);
    leader.appendRecord("a");
    cluster.advance(1);
    const [fetch] = leader.core.fetch(
      { replica: keyOfNode(2), epoch: 1, fetchOffset: before + 1, lastFetchedEpoch: 1 },
      1,
    ).actions;
    expect(fetch, "not flushed here").to.equal(undefined);
    expect(leader.core.highWatermark).to.equal(before);
    leader.flush();
    expect(leader.core.highWatermark).to.equal(before + 1);
  });

  it("asks for more only when all it has is flushed", () => {
    const cluster = ledByFirst();
    cluster.flushes = false;
    const follower = cluster.node(2);
    cluster.node(1).appendRecord("a");
    const { fetch } = follower.last("sendFetch") as { fetch: { token: number; fetchOffset: number } };
    const records = cluster.node(1).log.from(fetch.fetchOffset);
    const answer = {
      errorCode: 0,
      leaderId: 1,
      epoch: 1,
      highWatermark: 3,
      diverging: null,
      snapshotId: null,
      records,
    };
    const sent = follower.actions.filter(({ type }) => type === "sendFetch").length;
    follower.perform(follower.core.fetchAnswered(fetch.token, 1, answer, 0));
    expect(follower.actions.filter(({ type }) => type === "sendFetch").length).to.equal(sent);
    follower.flush();
    expect(follower.last("sendFetch")?.fetch.fetchOffset).to.equal(fetch.fetchOffset + 1);
  });

  it("commits nothing of earlier epochs before the first record of its own", () => {
    const cluster = ledByFirst();
    cluster.flushes = false;
    cluster.node(1).appendRecord("a");
    cluster.settle(3);
    cluster.cut.add(1);
    cluster.node(2).flush();
    cluster.node(3).flush();
    cluster.settle();
    const node = cluster.node(2);
    const earlierEnd = node.log.logEndOffset;
    cluster.elect(2);
    expect(node.core.role).to.equal("leader");
    const { epoch } = node.core;
    node.perform(
      node.core.fetch({ replica: keyOfNode(3), epoch, fetchOffset: earlierEnd, lastFetchedEpoch: 1 }, 0).actions,
    );
    node.flush();
    expect(node.core.highWatermark).to.be.lessThan(earlierEnd + 1);
    node.perform(
      node.core.fetch({ replica: keyOfNode(3), epoch, fetchOffset: earlierEnd + 1, lastFetchedEpoch: epoch }, 0)
        .actions,
    );
    expect(node.core.highWatermark).to.equal(earlierEnd + 1);
  });

  it("cuts what a leader never committed, and takes the new leader's instead", () => {
    const cluster = ledByFirst();
    cluster.cut.add(1);
    const old = cluster.node(1);
    old.appendRecord("lost");
    old.appendRecord("lost too");
    old.flush();
    cluster.elect(2);
    cluster.node(2).appendRecord("kept");
    cluster.settle();
    cluster.cut.clear();
    old.nowMs = old.core.nextDeadlineMs;
    cluster.node(2).nowMs += 500;
    cluster.node(2).tick();
    cluster.settle();
    expect(old.core.role).to.equal("follower");
    expect(old.log.from(0).equals(cluster.node(2).log.from(0))).to.equal(true);
    expect(old.actions.some(({ type }) => type === "truncate")).to.equal(true);
  });

  it("gives no credit for a position that diverges (KAFKA-13141)", () => {
    const cluster = ledByFirst();
    const leader = cluster.node(1);
    leader.appendRecord("a");
    leader.flush();
    const end = leader.log.logEndOffset;
    const { reply, actions } = leader.core.fetch(
      { replica: keyOfNode(2), epoch: 1, fetchOffset: end + 5, lastFetchedEpoch: 1 },
      1,
    );
    expect(reply).to.deep.equal({ kind: "diverging", at: { epoch: 1, endOffset: end } });
    expect(actions).to.deep.equal([]);
  });

  it("stops rather than cut below the high watermark (KAFKA-12460)", () => {
    const cluster = ledByFirst();
    const follower = cluster.node(2);
    const { token } = (follower.last("sendFetch") as { fetch: { token: number } }).fetch;
    const diverging = { epoch: 0, endOffset: 1 };
    const answer = {
      errorCode: 0,
      leaderId: 1,
      epoch: 1,
      highWatermark: 3,
      diverging,
      snapshotId: null,
      records: Buffer.alloc(0),
    };
    const actions = follower.core.fetchAnswered(token, 1, answer, 0);
    expect(actions.at(-1)?.type).to.equal("fatal");
  });

  it("fences fetches of other epochs, and tells who leads", () => {
    const cluster = ledByFirst();
    const { core } = cluster.node(1);
    const at = { replica: keyOfNode(2), fetchOffset: 0, lastFetchedEpoch: 0 };
    expect(core.fetch({ ...at, epoch: 0 }, 0).reply).to.include({ errorCode: Errors.FENCED_LEADER_EPOCH, leaderId: 1 });
    expect(core.fetch({ ...at, epoch: 2 }, 0).reply).to.include({ errorCode: Errors.UNKNOWN_LEADER_EPOCH });
    const follower = cluster.node(2).core.fetch({ ...at, epoch: 1 }, 0).reply;
    expect(follower).to.include({ errorCode: Errors.NOT_LEADER_OR_FOLLOWER, leaderId: 1, epoch: 1 });
  });

  it("sends to a snapshot who needs what the log has let go", () => {
    const cluster = ledByFirst();
    const { log, core } = cluster.node(1);
    for (const text of ["a", "b", "c"]) cluster.node(1).appendRecord(text);
    log.entries = log.entries.slice(2);
    log.logStartOffset = log.entries[0]?.offset ?? 0;
    log.earliestSnapshotId = log.latestSnapshotId = { endOffset: log.logStartOffset, epoch: 1 };
    const from = (fetchOffset: number, lastFetchedEpoch: number) =>
      core.fetch({ replica: keyOfNode(2), epoch: 1, fetchOffset, lastFetchedEpoch }, 0).reply.kind;
    expect(from(0, 0)).to.equal("snapshot");
    expect(from(log.logStartOffset, 0)).to.equal("snapshot");
    expect(from(log.logStartOffset, 1)).to.equal("read");
  });
});

describe("raft core: leadership", () => {
  it("is given up without a majority's fetches (check-quorum)", () => {
    const cluster = ledByFirst();
    const leader = cluster.node(1);
    leader.nowMs += 1_400;
    leader.tick();
    expect(leader.core.role).to.equal("leader");
    leader.nowMs += 200;
    leader.tick();
    expect(leader.core.role).to.equal("unattached");
    expect(leader.last("resigned")?.epoch).to.equal(1);
  });

  it("is kept for ever by one that decides alone (KAFKA-16144)", () => {
    const node = started(1, [1]);
    node.flush();
    expect(node.core.role).to.equal("leader");
    expect(node.core.nextDeadlineMs).to.equal(Infinity);
  });

  it("does not count its own sleep as the others' silence", () => {
    const leader = ledByFirst().node(1);
    leader.nowMs += 5_000;
    leader.core.forgive(4_900, leader.nowMs);
    leader.tick();
    expect(leader.core.role).to.equal("leader");
  });

  it("goes to the follower that is furthest when handed over", () => {
    const cluster = ledByFirst();
    const leader = cluster.node(1);
    cluster.cut.add(2);
    leader.appendRecord("a");
    cluster.settle();
    leader.perform(
      leader.core.fetch(
        { replica: keyOfNode(3), epoch: 1, fetchOffset: leader.log.logEndOffset, lastFetchedEpoch: 1 },
        1,
      ).actions,
    );
    leader.perform(leader.core.resign(1, "test", 1));
    expect(leader.last("sendEndEpoch")?.request.successors.map(({ id }) => id)).to.deep.equal([3, 2]);
  });

  it("passes at once to the first successor", () => {
    const cluster = ledByFirst();
    const leader = cluster.node(1);
    leader.perform(leader.core.stop(0));
    cluster.settle();
    const [second, third] = [cluster.node(2), cluster.node(3)];
    expect([second.core.role, third.core.role].filter(role => role === "leader")).to.have.length(1);
    expect(leader.core.leadership).to.equal(null);
  });
});

describe("raft core: voters", () => {
  it("are added one at a time, when they have caught up", () => {
    const cluster = ledByFirst();
    const leader = cluster.node(1);
    const add = { key: keyOfNode(4), endpoints: voterOf(4).endpoints, timeoutMs: 1000, ackWhenCommitted: true };
    const { refusal } = leader.core.addVoter(add, 0).reply;
    expect(refusal).to.equal(null);
    expect(leader.core.voters.ids).to.deep.equal([1, 2, 3]);
    const again = leader.core.addVoter({ ...add, key: keyOfNode(5) }, 0).reply;
    expect(again.refusal?.errorCode).to.equal(Errors.REQUEST_TIMED_OUT);
    const end = leader.log.logEndOffset;
    leader.perform(
      leader.core.fetch({ replica: keyOfNode(4), epoch: 1, fetchOffset: end, lastFetchedEpoch: 1 }, 5).actions,
    );
    expect(leader.core.voters.ids).to.deep.equal([1, 2, 3, 4]);
    expect(leader.last("voterChanged")).to.equal(undefined);
    cluster.settle();
    expect(leader.last("voterChanged")?.outcome.errorCode).to.equal(Errors.NONE);
  });

  it("are not added when they do not come up in time", () => {
    const leader = ledByFirst().node(1);
    const add = { key: keyOfNode(4), endpoints: voterOf(4).endpoints, timeoutMs: 100, ackWhenCommitted: true };
    leader.perform(leader.core.addVoter(add, 0).actions);
    leader.nowMs = 101;
    leader.tick();
    expect(leader.last("voterChanged")?.outcome.errorCode).to.equal(Errors.REQUEST_TIMED_OUT);
  });

  it("are not what they are not", () => {
    const { core } = ledByFirst().node(1);
    const endpoints = voterOf(2).endpoints;
    const add = { key: keyOfNode(2), endpoints, timeoutMs: 100, ackWhenCommitted: true };
    expect(core.addVoter(add, 0).reply.refusal?.errorCode).to.equal(Errors.DUPLICATE_VOTER);
    expect(core.addVoter({ ...add, key: keyOfNode(9), endpoints: [] }, 0).reply.refusal?.errorCode).to.equal(
      Errors.INVALID_REQUEST,
    );
    expect(core.removeVoter(keyOfNode(9), 0).reply.refusal?.errorCode).to.equal(Errors.VOTER_NOT_FOUND);
    expect(core.removeVoter({ ...keyOfNode(2), directoryId: ZERO_UUID }, 0).reply.refusal?.errorCode).to.equal(
      Errors.VOTER_NOT_FOUND,
    );
  });

  it("may remove their leader, which sees that through and then leaves", () => {
    const cluster = ledByFirst();
    const leader = cluster.node(1);
    leader.perform(leader.core.removeVoter(keyOfNode(1), 0).actions);
    expect(leader.core.role).to.equal("leader");
    cluster.settle();
    expect(leader.last("voterChanged")?.outcome.errorCode).to.equal(Errors.NONE);
    expect(leader.core.leadership).to.equal(null);
    expect(cluster.node(2).core.voters.ids).to.deep.equal([2, 3]);
  });

  it("may need the one that removed itself: it stands while that is not committed", () => {
    const cluster = new CoreCluster([1, 2]);
    cluster.elect(1);
    const leader = cluster.node(1);
    cluster.cut.add(2);
    leader.perform(leader.core.removeVoter(keyOfNode(1), 0).actions);
    leader.flush();
    leader.restart();
    cluster.cut.clear();
    expect(leader.core.voters.has(leader.key)).to.equal(false);
    const { lastEpoch, logEndOffset: endOffset } = cluster.node(2).log;
    expect(leader.core.vote(voteFor(2, 1, 5, { lastEpoch, endOffset }), 0).reply.isGranted).to.equal(false);
    for (let round = 0; round < 20 && cluster.node(2).core.leadership === null; round += 1) {
      for (const node of cluster.nodes) {
        node.nowMs += 2_000;
        node.tick();
      }
      cluster.settle();
    }
    expect(cluster.node(2).core.voters.ids).to.deep.equal([2]);
    expect(cluster.node(2).core.role).to.equal("leader");
  });

  it("are what the log said before when the change is cut away", () => {
    const cluster = ledByFirst();
    const node = cluster.node(2);
    const end = node.log.logEndOffset;
    node.appendControls(1, [{ type: "voters", voters: [voterOf(2)] }]);
    expect(node.core.voters.ids).to.deep.equal([2]);
    node.log.truncateTo(end);
    node.quorum.truncateTo(end);
    expect(node.core.voters.ids).to.deep.equal([1, 2, 3]);
  });

  it("that are configured cannot be changed", () => {
    const node = new CoreNode(1, [1], { isStatic: true });
    node.perform(node.core.start(0, 0));
    node.flush();
    expect(node.core.role).to.equal("leader");
    expect(node.core.removeVoter(keyOfNode(1), 0).reply.refusal?.errorCode).to.equal(Errors.UNSUPPORTED_VERSION);
  });
});
