import { expect } from "chai";
import { QuorumService } from "../../src/raft/quorum-service.ts";
import { encodeFetch } from "../../src/raft/wire.ts";
import { CoreCluster, type CoreNode, keyOfNode } from "./support/core-cluster.ts";

/** In place of a high watermark: the fetch waits. */
const IS_PARKED = -2;
const CLUSTER_ID = "MkU3OEVBNTcwNTJENDM2Qg";

/** The service over a core, with what it parks. */
function serviceOf(node: CoreNode): { readonly service: QuorumService; readonly parked: unknown[] } {
  const { core, log } = node;
  const parked: unknown[] = [];
  const driver = {
    core,
    leaderAndEpoch: core.leaderAndEpoch,
    isLeader: () => core.role === "leader",
    addressOf: () => null,
    decide<R>(event: (core: CoreNode["core"], nowMs: number) => { reply: R; actions: [] }): R {
      const { reply, actions } = event(core, node.nowMs);
      node.perform(actions);
      return reply;
    },
  };
  const modules = {
    driver,
    log: {
      logStartOffset: 0,
      logEndOffset: log.logEndOffset,
      read: (offset: number) => ({ ok: true, chunks: chunksOf(offset) }),
    },
    parked: { isFull: false, add: (fetch: unknown) => parked.push(fetch) },
    applied: { note: () => {} },
    disk: {},
  };
  const chunksOf = (offset: number): Buffer[] => [log.from(offset)].filter(bytes => bytes.length > 0);
  const options = { clusterId: CLUSTER_ID, fetchMaxBytes: 2 ** 20, snapshotMaxBytes: 2 ** 20, directory: "/data" };
  return { service: new QuorumService(options, modules as never), parked };
}

describe("QuorumService: the high watermark that followers are told", () => {
  /** Node 2, just elected: it knows what was committed before, and nothing of its epoch is flushed. */
  function justElected(): { leader: CoreNode; fetch: (more: object) => number; parked: unknown[] } {
    const cluster = new CoreCluster([1, 2, 3]);
    cluster.elect(1);
    cluster.cut.add(1);
    cluster.flushes = false;
    cluster.elect(2);
    const leader = cluster.node(2);
    expect(leader.core.role).to.equal("leader");
    const { service, parked } = serviceOf(leader);
    const fetch = (more: object) => {
      const order = { token: 1, to: 2, epoch: leader.core.epoch, highWatermark: -1, maxWaitMs: 0, ...more };
      const request = encodeFetch(CLUSTER_ID, keyOfNode(3), order as never, 2 ** 20);
      const answer = service.fetch(request as never, 18);
      if (answer instanceof Promise) return IS_PARKED;
      return answer.responses[0]!.partitions[0]!.highWatermark;
    };
    return { leader, fetch, parked };
  }

  it("is unknown before the leader has committed in its own epoch, whatever it knows of earlier ones", () => {
    const { leader, fetch } = justElected();
    const { highWatermark, leadership } = leader.core;
    expect(highWatermark).to.be.within(1, leadership!.epochStartOffset);
    expect(fetch({ fetchOffset: leadership!.epochStartOffset, lastFetchedEpoch: 1 })).to.equal(-1);
  });

  it("is no reason before to answer a follower that has all there is", () => {
    const { leader, fetch, parked } = justElected();
    const atEnd = { fetchOffset: leader.log.logEndOffset, lastFetchedEpoch: leader.core.epoch };
    expect(fetch({ ...atEnd, maxWaitMs: 100 })).to.equal(IS_PARKED);
    expect(parked).to.have.length(1);
  });

  it("is told once the leader has committed in its own epoch", () => {
    const { leader, fetch } = justElected();
    leader.flush();
    const { logEndOffset } = leader.log;
    expect(fetch({ fetchOffset: logEndOffset, lastFetchedEpoch: leader.core.epoch })).to.equal(logEndOffset);
  });
});
