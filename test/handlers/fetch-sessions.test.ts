import { expect } from "chai";
import type { HandlerContext } from "../../src/handlers/context.ts";
import { FetchPartition } from "../../src/handlers/fetch/fetch-partition.ts";
import type { FetchedPartitions } from "../../src/handlers/fetch/fetch-reader.ts";
import type { FetchRequest } from "../../src/handlers/fetch/fetch-request.ts";
import { fetchResponse } from "../../src/handlers/fetch/fetch-response.ts";
import { FetchSessions } from "../../src/handlers/fetch/fetch-sessions.ts";
import { createMemoryPlatform } from "../../src/platform/memory.ts";

const MINUTES = 60_000;

function partitions(count: number): FetchPartition[] {
  return Array.from({ length: count }, (_value, index) => new FetchPartition("t", "", index));
}

function incremental(sessionId: number, sessionEpoch: number): FetchRequest {
  return { sessionId, sessionEpoch, topics: [], forgottenTopicsData: [] } as unknown as FetchRequest;
}

describe("FetchSessions", () => {
  const world = (maxSlots: number) => {
    const platform = createMemoryPlatform({ seed: 1 });
    return { platform, sessions: new FetchSessions({ maxSlots }, platform) };
  };

  it("gives no session when there are no slots", () => {
    const { sessions } = world(0);
    expect(sessions.create(partitions(1), false, false)).to.equal(null);
  });

  it("gives no session when all slots are in use", () => {
    const { sessions } = world(2);
    expect(sessions.create(partitions(1), false, false)).to.not.equal(null);
    expect(sessions.create(partitions(1), false, false)).to.not.equal(null);
    expect(sessions.create(partitions(9), false, false)).to.equal(null);
    expect(sessions.count).to.equal(2);
  });

  it("gives away the slot of a session that was not used for two minutes", async () => {
    const { platform, sessions } = world(1);
    const first = sessions.create(partitions(5), false, false)!;
    await platform.time.advance(2 * MINUTES + 1);
    expect(sessions.create(partitions(1), false, false)).to.not.equal(null);
    expect(sessions.begin(incremental(first.id, 1), false).kind).to.equal("error");
  });

  it("gives the slot of a smaller session to a larger one after two minutes, though it is in use", async () => {
    const { platform, sessions } = world(1);
    const small = sessions.create(partitions(1), false, false)!;
    await platform.time.advance(1.5 * MINUTES);
    expect(sessions.begin(incremental(small.id, 1), false).kind).to.equal("incremental");
    expect(sessions.create(partitions(9), false, false)).to.equal(null);
    await platform.time.advance(1 * MINUTES);
    expect(sessions.create(partitions(1), false, false)).to.equal(null);
    expect(sessions.create(partitions(9), false, false)).to.not.equal(null);
  });

  it("prefers followers to consumers", async () => {
    const { platform, sessions } = world(1);
    sessions.create(partitions(9), false, false);
    const follower = sessions.create(partitions(1), false, true);
    expect(follower).to.not.equal(null);
    await platform.time.advance(1.5 * MINUTES);
    sessions.begin(incremental(follower!.id, 1), false);
    await platform.time.advance(1 * MINUTES);
    expect(sessions.create(partitions(100), false, false)).to.equal(null);
  });

  it("tells again what an answer said that the session's next request had overtaken", () => {
    const { sessions } = world(1);
    const [partition] = partitions(1);
    const session = sessions.create([partition!], false, true)!;
    const response = { partitionIndex: 0, errorCode: 0, highWatermark: 5, logStartOffset: 0, records: null };
    const fetched = { partitions: [{ request: partition!, replica: null, response, sizeBytes: 0 }], sizeBytes: 0 };
    const served = { kind: "incremental", partitions: [partition!], session } as const;
    const request = { ...incremental(session.id, 1), replicaId: 2, replicaState: { replicaId: 2, replicaEpoch: 1 } };
    const context = { apiVersion: 12, replicas: { sentBytes: { increment: () => {} } } } as unknown as HandlerContext;
    const answer = (isOvertaken: boolean) =>
      fetchResponse(served, fetched as unknown as FetchedPartitions, request, context, isOvertaken).responses.length;
    // Said twice: the follower had gone on to another leader epoch and passed over the first.
    expect([answer(true), answer(false), answer(false)]).to.deep.equal([1, 1, 0]);
  });

  it("counts epochs round to 1", () => {
    const { sessions } = world(1);
    const session = sessions.create(partitions(1), false, false)!;
    session.epoch = 0x7fffffff;
    expect(sessions.begin(incremental(session.id, 0x7fffffff), false).kind).to.equal("incremental");
    expect(session.epoch).to.equal(1);
  });
});
