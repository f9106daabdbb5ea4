import { expect } from "chai";
import { Errors } from "../../protocol/errors.ts";
import { ZERO_UUID } from "../../protocol/schema.ts";
import type { VoterChangeOutcome } from "../../src/raft/actions.ts";
import { decodeBatches } from "../../src/raft/batches.ts";
import { CoreCluster, type CoreNode, descriptionOf, keyOfNode, voterOf } from "./support/core-cluster.ts";

const IDS = [1, 2, 3];
const ANOTHER_DIRECTORY = "anotherDirectoryId001A";

/** Three nodes whose voters are configured; the first leads. */
function configured(): CoreCluster {
  const cluster = new CoreCluster(IDS, { isStatic: true });
  cluster.elect(1);
  return cluster;
}

/** Asks `leader` for kraft.version 1; gives its refusal. */
function upgrade(leader: CoreNode, epoch = leader.core.epoch, kraftVersion = 1): VoterChangeOutcome | null {
  const { reply, actions } = leader.core.upgradeVersion({ epoch, kraftVersion }, leader.nowMs);
  leader.perform(actions);
  return reply.refusal;
}

/** What became of a change that was asked for; undefined while that is open. */
function outcomeOf({ actions }: CoreNode, { ticket }: { readonly ticket: number }): VoterChangeOutcome | undefined {
  for (const action of actions) if (action.type === "voterChanged" && action.ticket === ticket) return action.outcome;
  return undefined;
}

/** What the control records in a node's log are, batch by batch. */
function controlsOf({ log }: CoreNode): string[][] {
  const batches = [...decodeBatches(log.from(0))].filter(({ isControl }) => isControl);
  return batches.map(({ controls }) => controls.map(({ type }) => type));
}

function kraftVersions(cluster: CoreCluster): number[] {
  return cluster.nodes.map(({ quorum }) => quorum.latest.kraftVersion);
}

describe("kraft.version 0: the voters", () => {
  it("describe themselves to a leader, once", () => {
    const cluster = configured();
    cluster.node(1).appendRecord("a");
    cluster.advance(2_000);
    cluster.settle();
    for (const id of [2, 3]) {
      const sent = cluster.node(id).actions.filter(({ type }) => type === "sendUpdateVoter");
      expect(sent).to.deep.equal([{ type: "sendUpdateVoter", to: 1, epoch: 1 }]);
    }
    expect(cluster.node(1).core.leadership?.described.voters).to.deep.equal(IDS.map(voterOf));
  });

  it("describe themselves to the next leader anew", () => {
    const cluster = configured();
    cluster.cut.add(1);
    cluster.settle();
    cluster.elect(2);
    expect(cluster.node(3).last("sendUpdateVoter")).to.include({ to: 2, epoch: cluster.node(2).core.epoch });
    const described = cluster.node(2).core.leadership?.described;
    expect(described?.voters.map(({ voterDirectoryId }) => voterDirectoryId)).to.deep.equal([
      ZERO_UUID,
      ...[2, 3].map(id => keyOfNode(id).directoryId),
    ]);
  });

  it("try again when they are refused, and not with a leader that keeps nothing at this version", () => {
    const cluster = new CoreCluster(IDS, { isStatic: true });
    cluster.cut.add(2).add(3);
    const [leader, follower] = [cluster.node(1), cluster.node(2)];
    follower.perform(
      follower.core.beginEpoch({ voter: { id: 2, directoryId: ZERO_UUID }, leaderId: 1, epoch: 1 }, 0).actions,
    );
    const answerFetch = () => {
      const { token } = (follower.last("sendFetch") as { fetch: { token: number } }).fetch;
      const nothing = { diverging: null, snapshotId: null, records: Buffer.alloc(0) };
      const answer = { errorCode: 0, leaderId: 1, epoch: 1, highWatermark: 0, ...nothing };
      follower.perform(follower.core.fetchAnswered(token, leader.key.id, answer, follower.nowMs));
      follower.nowMs += 1_000;
    };
    const sentCount = () => follower.actions.filter(({ type }) => type === "sendUpdateVoter").length;
    answerFetch();
    follower.perform(follower.core.updateVoterAnswered(1, Errors.REQUEST_TIMED_OUT, follower.nowMs));
    answerFetch();
    expect(sentCount()).to.equal(2);
    follower.perform(follower.core.updateVoterAnswered(0, Errors.NONE, follower.nowMs));
    answerFetch();
    expect(sentCount(), "an answer of another epoch").to.equal(3);
    follower.perform(follower.core.updateVoterAnswered(1, Errors.UNSUPPORTED_VERSION, follower.nowMs));
    answerFetch();
    expect(sentCount()).to.equal(3);
  });

  it("are not changed by what is told of them", () => {
    const leader = configured().node(1);
    expect(leader.core.voters.voters.every(({ voterDirectoryId }) => voterDirectoryId === ZERO_UUID)).to.equal(true);
    expect(controlsOf(leader)).to.deep.equal([["leaderChange"]]);
  });

  const told = descriptionOf(2, 1);
  const refusals: [string, Partial<typeof told>, number][] = [
    ["of a node that does not vote", { key: keyOfNode(9) }, Errors.VOTER_NOT_FOUND],
    ["without a directory", { key: { id: 2, directoryId: ZERO_UUID } }, Errors.VOTER_NOT_FOUND],
    ["without an endpoint for controllers", { endpoints: [] }, Errors.INVALID_REQUEST],
    ["that does not support version 0 any more", { minSupportedVersion: 1 }, Errors.INVALID_REQUEST],
    ["for an earlier leader", { epoch: 0 }, Errors.FENCED_LEADER_EPOCH],
  ];
  for (const [what, change, errorCode] of refusals) {
    it(`are not believed a description ${what}`, () => {
      const { core } = configured().node(1);
      expect(core.updateVoter({ ...told, ...change }, 0).reply.refusal?.errorCode).to.equal(errorCode);
    });
  }
});

describe("the upgrade to kraft.version 1", () => {
  it("writes version and voters in one batch, and is told of when that is committed", () => {
    const cluster = configured();
    const leader = cluster.node(1);
    const { reply, actions } = leader.core.upgradeVersion({ epoch: 1, kraftVersion: 1 }, 0);
    leader.perform(actions);
    expect(reply.refusal).to.equal(null);
    expect(controlsOf(leader)).to.deep.equal([["leaderChange"], ["kraftVersion", "voters"]]);
    expect(leader.core.voters.voters, "the latest voters hold, committed or not").to.deep.equal(IDS.map(voterOf));
    expect(outcomeOf(leader, reply), "only the leader has it").to.equal(undefined);
    cluster.settle();
    expect(outcomeOf(leader, reply)?.errorCode).to.equal(Errors.NONE);
    for (const { core } of cluster.nodes) expect(core.voters.voters).to.deep.equal(IDS.map(voterOf));
    expect(leader.core.highWatermark).to.equal(leader.log.logEndOffset);
  });

  it("is nothing any more the second time, and refused while the first is not committed", () => {
    const cluster = configured();
    const leader = cluster.node(1);
    upgrade(leader);
    expect(upgrade(leader)?.errorCode).to.equal(Errors.REQUEST_TIMED_OUT);
    cluster.settle();
    const { logEndOffset } = leader.log;
    expect(upgrade(leader)).to.equal(null);
    expect(leader.last("voterChanged")?.outcome.errorCode).to.equal(Errors.NONE);
    expect(leader.log.logEndOffset).to.equal(logEndOffset);
  });

  it("is not taken back", () => {
    const cluster = configured();
    const leader = cluster.node(1);
    upgrade(leader);
    cluster.settle();
    expect(upgrade(leader, 1, 0)?.errorCode).to.equal(Errors.INVALID_UPDATE_VERSION);
  });

  it("is refused while a voter is silent, which may come up and have it", () => {
    const cluster = new CoreCluster(IDS, { isStatic: true });
    cluster.cut.add(3);
    cluster.elect(1);
    const leader = cluster.node(1);
    const refusal = leader.core.refuseUpgrade({ epoch: 1, kraftVersion: 1 });
    expect(refusal?.errorCode).to.equal(Errors.INVALID_UPDATE_VERSION);
    expect(refusal?.message).to.contain("voters 3 have not told");
    expect(upgrade(leader)).to.deep.equal(refusal);
    expect(controlsOf(leader)).to.deep.equal([["leaderChange"]]);
    leader.perform(leader.core.updateVoter(descriptionOf(3, 1), 0).actions);
    expect(upgrade(leader)).to.equal(null);
  });

  it("is refused when a voter does not support it", () => {
    const leader = configured().node(1);
    leader.perform(leader.core.updateVoter({ ...descriptionOf(2, 1), maxSupportedVersion: 0 }, 0).actions);
    const refusal = upgrade(leader);
    expect(refusal?.errorCode).to.equal(Errors.INVALID_UPDATE_VERSION);
    expect(refusal?.message).to.contain("voters 2 do not support it");
  });

  it("is refused by whoever does not lead the epoch in which it was decided", () => {
    const cluster = configured();
    expect(upgrade(cluster.node(2), 1)?.errorCode).to.equal(Errors.NOT_LEADER_OR_FOLLOWER);
    expect(upgrade(cluster.node(1), 0)?.errorCode).to.equal(Errors.NOT_LEADER_OR_FOLLOWER);
  });

  it("is refused before a record of the epoch is committed", () => {
    const cluster = new CoreCluster(IDS, { isStatic: true });
    cluster.flushes = false;
    cluster.elect(1);
    expect(upgrade(cluster.node(1))?.errorCode).to.equal(Errors.REQUEST_TIMED_OUT);
  });

  it("goes by what a voter has said last: the directory that it had before does not vote", () => {
    const cluster = configured();
    const leader = cluster.node(1);
    const moved = { ...descriptionOf(3, 1), key: { id: 3, directoryId: ANOTHER_DIRECTORY } };
    leader.perform(leader.core.updateVoter(moved, 0).actions);
    upgrade(leader);
    cluster.settle();
    expect(leader.core.voters.has({ id: 3, directoryId: ANOTHER_DIRECTORY })).to.equal(true);
    expect(cluster.node(3).core.voters.has(keyOfNode(3))).to.equal(false);
  });

  it("makes the voters ones that can be changed", () => {
    const cluster = configured();
    const leader = cluster.node(1);
    expect(leader.core.removeVoter(keyOfNode(3), 0).reply.refusal?.errorCode).to.equal(Errors.UNSUPPORTED_VERSION);
    upgrade(leader);
    expect(leader.core.removeVoter(keyOfNode(3), 0).reply.refusal?.errorCode, "not committed yet").to.equal(
      Errors.REQUEST_TIMED_OUT,
    );
    cluster.settle();
    leader.perform(leader.core.removeVoter(keyOfNode(3), 0).actions);
    cluster.settle();
    for (const id of [1, 2]) expect(cluster.node(id).core.voters.ids).to.deep.equal([1, 2]);
  });

  it("outlives restarts of all, whose configuration names the voters still", () => {
    const cluster = configured();
    upgrade(cluster.node(1));
    cluster.settle();
    for (const node of cluster.nodes) node.restart();
    cluster.elect(2);
    const { core, log } = cluster.node(2);
    expect(core.role).to.equal("leader");
    expect(core.voters.voters).to.deep.equal(IDS.map(voterOf));
    expect([...decodeBatches(log.from(0))].at(-1)?.controls.map(({ type }) => type)).to.deep.equal(["leaderChange"]);
  });

  /** The upgrade is in the first node's log alone when the second one is elected, which commits something else. */
  function overtaken(): CoreCluster {
    const cluster = configured();
    cluster.cut.add(1);
    upgrade(cluster.node(1));
    cluster.node(1).flush();
    cluster.settle();
    cluster.elect(2);
    cluster.node(2).appendRecord("committed without it");
    cluster.settle();
    return cluster;
  }

  it("that nobody else has is cut away with its batch, and can be made again by the next leader", () => {
    const cluster = overtaken();
    const [first, second] = [cluster.node(1), cluster.node(2)];
    expect(kraftVersions(cluster)).to.deep.equal([1, 0, 0]);
    cluster.cut.clear();
    first.nowMs = first.core.nextDeadlineMs;
    second.nowMs += 500;
    second.tick();
    cluster.settle();
    expect(first.core.role).to.equal("follower");
    expect(first.last("voterChanged")?.outcome.errorCode).to.equal(Errors.NOT_LEADER_OR_FOLLOWER);
    expect(kraftVersions(cluster)).to.deep.equal([0, 0, 0]);
    expect(first.core.voters.voters[0]?.voterDirectoryId).to.equal(ZERO_UUID);
    expect(upgrade(second)).to.equal(null);
    cluster.settle();
    expect(kraftVersions(cluster)).to.deep.equal([1, 1, 1]);
  });

  it("that is not committed does not keep a node from voting for one without it", () => {
    const cluster = overtaken();
    const [first, second] = [cluster.node(1), cluster.node(2)];
    const { lastEpoch, logEndOffset: endOffset } = second.log;
    const request = {
      voter: { id: 1, directoryId: ZERO_UUID },
      candidate: second.key,
      epoch: second.core.epoch + 1,
      lastEpoch,
      endOffset,
      isPreVote: false,
    };
    expect(first.core.vote(request, 0).reply).to.include({ errorCode: Errors.NONE, isGranted: true });
  });

  it("that is committed names directories for good: nobody votes upon a request without one", () => {
    const cluster = configured();
    upgrade(cluster.node(1));
    cluster.settle();
    const voter = { id: 2, directoryId: ZERO_UUID };
    const request = { voter, candidate: keyOfNode(3), epoch: 9, lastEpoch: 9, endOffset: 99, isPreVote: false };
    expect(cluster.node(2).core.vote(request, 0).reply.errorCode).to.equal(Errors.INVALID_VOTER_KEY);
  });

  it("is carried on by a leader that has it, though the one that made it is gone", () => {
    const cluster = configured();
    cluster.flushes = false;
    upgrade(cluster.node(1));
    cluster.settle(3);
    cluster.cut.add(1);
    for (const id of [2, 3]) cluster.node(id).flush();
    cluster.settle();
    cluster.flushes = true;
    cluster.elect(2);
    cluster.settle();
    const { core, log } = cluster.node(2);
    expect(core.role).to.equal("leader");
    expect(core.voters.voters).to.deep.equal(IDS.map(voterOf));
    expect(core.highWatermark).to.equal(log.logEndOffset);
  });
});
