import { expect } from "chai";
import { FetcherSession, type WantedPartition } from "../../src/replication/fetcher/fetcher-session.ts";

const A = "AAAAAAAAAAAAAAAAAAAAAg";
const B = "AAAAAAAAAAAAAAAAAAAAAw";

function wanted(offsets: Readonly<Record<string, number>>): Map<string, WantedPartition> {
  return new Map(
    Object.entries(offsets).map(([name, fetchOffset]) => [
      name,
      {
        topicId: name.startsWith("a") ? A : B,
        index: Number(name.slice(1)),
        position: { leaderEpoch: 1, fetchOffset, lastFetchedEpoch: 1, logStartOffset: 0 },
      },
    ]),
  );
}

/** Partitions named, as `topic index@offset`. */
function named({ topics }: ReturnType<FetcherSession["next"]>): string[] {
  return topics.flatMap(({ topicId, partitions }) =>
    partitions.map(({ partition, fetchOffset }) => `${topicId === A ? "a" : "b"}${partition}@${fetchOffset}`),
  );
}

function established(offsets: Readonly<Record<string, number>>): FetcherSession {
  const session = new FetcherSession();
  session.next(wanted(offsets), 100);
  session.answered(session.generation, { errorCode: 0, sessionId: 77 });
  return session;
}

describe("FetcherSession", () => {
  it("names everything at first and asks for a session, then what changed", () => {
    const session = new FetcherSession();
    const first = session.next(wanted({ a0: 0, a1: 5, b0: 9 }), 100);
    expect([first.sessionId, first.sessionEpoch]).to.deep.equal([0, 0]);
    expect(named(first)).to.deep.equal(["a0@0", "a1@5", "b0@9"]);
    session.answered(session.generation, { errorCode: 0, sessionId: 77 });
    const second = session.next(wanted({ a0: 0, a1: 6, b0: 9 }), 100);
    expect([second.sessionId, second.sessionEpoch, named(second)]).to.deep.equal([77, 1, ["a1@6"]]);
    expect(session.next(wanted({ a0: 0, a1: 6, b0: 9 }), 100).sessionEpoch).to.equal(2);
  });

  it("forgets what is not wanted, and never what it names in the same request", () => {
    const session = established({ a0: 0, b0: 0 });
    const request = session.next(wanted({ a0: 1 }), 100);
    expect(named(request)).to.deep.equal(["a0@1"]);
    expect(request.forgottenTopicsData).to.deep.equal([{ topic: "", topicId: B, partitions: [0] }]);
    const again = session.next(wanted({ a0: 1, b0: 0 }), 100);
    expect([named(again), again.forgottenTopicsData]).to.deep.equal([["b0@0"], []]);
  });

  it("has news when something moved, came or went", () => {
    const session = established({ a0: 0, b0: 0 });
    expect(session.hasNews(wanted({ a0: 0, b0: 0 }))).to.equal(false);
    const others: Record<string, number>[] = [{ a0: 1, b0: 0 }, { a0: 0 }, { a0: 0, b0: 0, b1: 0 }];
    for (const offsets of others) expect(session.hasNews(wanted(offsets)), JSON.stringify(offsets)).to.equal(true);
  });

  it("begins anew when the leader has lost it, and takes no notice of what still comes for the old one", () => {
    const session = established({ a0: 0 });
    const { generation } = session;
    expect(session.answered(generation, { errorCode: 70, sessionId: 0 })).to.equal(false);
    expect(session.isNew).to.equal(true);
    session.answered(generation, { errorCode: 0, sessionId: 77 });
    const request = session.next(wanted({ a0: 0 }), 100);
    expect([request.sessionId, request.sessionEpoch, named(request)]).to.deep.equal([0, 0, ["a0@0"]]);
  });

  it("goes on without a session where the leader has no room for one", () => {
    const session = new FetcherSession();
    for (let round = 0; round < 2; round += 1) {
      const request = session.next(wanted({ a0: round }), 100);
      expect([request.sessionId, request.sessionEpoch, named(request)]).to.deep.equal([0, 0, [`a0@${round}`]]);
      session.answered(session.generation, { errorCode: 0, sessionId: 0 });
      expect(session.isRefused).to.equal(true);
    }
  });
});
