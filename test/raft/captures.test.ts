import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { expect } from "chai";
import { apiByKey } from "../../protocol/apis/index.ts";
import {
  decodeRequest,
  decodeRequestHeader,
  decodeResponse,
  encodeRequest,
  encodeResponse,
} from "../../protocol/frame.ts";
import { Reader } from "../../protocol/reader.ts";
import type { Api } from "../../protocol/schema.ts";
import type { RaftDriver } from "../../src/raft/driver.ts";
import {
  decodeEndEpoch,
  decodeVote,
  encodeBeginEpoch,
  encodeEndEpoch,
  encodeFetch,
  encodeFetchSnapshot,
  encodeVote,
  metadataPartition,
} from "../../src/raft/wire.ts";
import { VoterFixture } from "./support/voter.ts";

/** What Apache Kafka 4.3.1's controllers said to each other, and were answered. */
interface Capture {
  readonly listener: string;
  readonly api: string;
  readonly key: number;
  readonly version: number;
  readonly clientId: string;
  readonly during: string;
  readonly requestHex: string;
  readonly responseHex: string;
}

const CLUSTER_ID = "MkU3OEVBNTcwNTJENDM2Qg";
const PORTS: Record<number, number> = { 1: 29293, 2: 29296, 3: 29299 };

const captures: Capture[] = gunzipSync(
  readFileSync(new URL("../fixtures/kafka/captures/between-nodes.jsonl.gz", import.meta.url)),
)
  .toString("utf8")
  .trim()
  .split("\n")
  .map(line => JSON.parse(line) as Capture)
  .filter(({ listener }) => listener === "controller");

// biome-ignore lint/suspicious/noExplicitAny: requests of several APIs, each known by its capture
function requestOf(capture: Capture): any {
  const reader = new Reader(Buffer.from(capture.requestHex, "hex").subarray(4));
  const { apiVersion } = decodeRequestHeader(reader);
  return decodeRequest(apiByKey(capture.key) as Api, apiVersion, reader);
}

function answerOf(capture: Capture): unknown {
  const frame = Buffer.from(capture.responseHex, "hex").subarray(4);
  return decodeResponse(apiByKey(capture.key) as Api, capture.version, frame).body;
}

function of(api: string, during?: string): Capture[] {
  return captures.filter(capture => capture.api === api && (during === undefined || capture.during === during));
}

/** The request as Samsa sends it, in the capture's envelope. */
function encoded(capture: Capture, body: unknown): string {
  const correlationId = Buffer.from(capture.requestHex, "hex").readInt32BE(8);
  const api = apiByKey(capture.key) as Api;
  return Buffer.concat(encodeRequest(api, capture.version, correlationId, capture.clientId, body as never)).toString(
    "hex",
  );
}

/** What goes over the wire and comes out again. */
function throughWire(capture: Capture, body: unknown): unknown {
  const api = apiByKey(capture.key) as Api;
  const frame = Buffer.concat(encodeResponse(api, capture.version, 1, body as never)).subarray(4);
  return decodeResponse(api, capture.version, frame).body;
}

/** A Samsa controller with the identity of one of Kafka's. */
async function controller(nodeId: number, directoryId: string): Promise<RaftDriver> {
  const voters = [1, 2, 3].map(voterId => ({
    voterId,
    voterDirectoryId: `bbbbbbbbbbbbbbbbbbbbA${"AQgw"[voterId]}`,
    endpoints: [{ name: "CONTROLLER", host: "127.0.0.1", port: PORTS[voterId] as number }],
    kRaftVersionFeature: { minSupportedVersion: 0, maxSupportedVersion: 1 },
  }));
  const fixture = new VoterFixture({ voters });
  const endpoints = [{ name: "CONTROLLER", host: "127.0.0.1", port: PORTS[nodeId] as number }];
  return fixture.start({ nodeId, directoryId, clusterId: CLUSTER_ID, endpoints });
}

describe("quorum requests", () => {
  it("are Kafka's byte for byte: Vote", () => {
    expect(of("Vote").length).to.be.greaterThan(5);
    for (const capture of of("Vote")) {
      const request = requestOf(capture);
      const decoded = decodeVote(request);
      if (decoded === null) throw new Error("not decoded");
      expect(encoded(capture, encodeVote(CLUSTER_ID, decoded))).to.equal(capture.requestHex);
    }
  });

  it("are Kafka's byte for byte: BeginQuorumEpoch and EndQuorumEpoch", () => {
    for (const capture of of("BeginQuorumEpoch")) {
      const { voterId, topics, leaderEndpoints } = requestOf(capture);
      const { voterDirectoryId, leaderId, leaderEpoch } = metadataPartition(topics) as never as Record<string, never>;
      const begin = {
        voter: { id: voterId, directoryId: voterDirectoryId as never },
        leaderId,
        epoch: leaderEpoch,
      } as never;
      expect(encoded(capture, encodeBeginEpoch(CLUSTER_ID, begin, leaderEndpoints))).to.equal(capture.requestHex);
    }
    for (const capture of of("EndQuorumEpoch")) {
      const request = requestOf(capture);
      const end = decodeEndEpoch(request);
      if (end === null) throw new Error("not decoded");
      expect(encoded(capture, encodeEndEpoch(CLUSTER_ID, end, request.leaderEndpoints))).to.equal(capture.requestHex);
    }
  });

  it("are Kafka's byte for byte: Fetch", () => {
    expect(of("Fetch").length).to.be.greaterThan(20);
    for (const capture of of("Fetch")) {
      const { replicaState, maxWaitMs, maxBytes, topics } = requestOf(capture);
      const [partition] = topics[0].partitions;
      const order = {
        token: 1,
        to: 1,
        epoch: partition.currentLeaderEpoch,
        fetchOffset: partition.fetchOffset,
        lastFetchedEpoch: partition.lastFetchedEpoch,
        highWatermark: Number(partition.highWatermark),
        maxWaitMs,
      };
      const self = { id: replicaState.replicaId, directoryId: partition.replicaDirectoryId };
      expect(encoded(capture, encodeFetch(CLUSTER_ID, self, order, maxBytes))).to.equal(capture.requestHex);
    }
  });

  it("are Kafka's byte for byte: FetchSnapshot", () => {
    for (const capture of of("FetchSnapshot")) {
      const { replicaId, maxBytes, topics } = requestOf(capture);
      const [{ currentLeaderEpoch: epoch, snapshotId: id, position, replicaDirectoryId }] = topics[0].partitions;
      const self = { id: replicaId, directoryId: replicaDirectoryId };
      const body = encodeFetchSnapshot(CLUSTER_ID, self, { epoch, id, position, maxBytes });
      expect(encoded(capture, body)).to.equal(capture.requestHex);
    }
  });
});

describe("quorum answers", () => {
  it("are Kafka's: a new voter grants a pre-vote, and then follows who was elected", async () => {
    const node = await controller(3, "bbbbbbbbbbbbbbbbbbbbAw");
    const isMeant = (capture: Capture) => requestOf(capture).voterId === 3;
    const [vote] = of("Vote", "boot").filter(isMeant) as [Capture];
    expect(throughWire(vote, node.service.vote(requestOf(vote)))).to.deep.equal(answerOf(vote));
    const [begin] = of("BeginQuorumEpoch", "boot").filter(isMeant) as [Capture];
    expect(throughWire(begin, node.service.beginQuorumEpoch(requestOf(begin)))).to.deep.equal(answerOf(begin));
    expect(node.leaderAndEpoch).to.deep.equal({ leaderId: 1, epoch: 2 });
  });

  it("are Kafka's: who does not know a leader refuses fetches", async () => {
    const node = await controller(3, "bbbbbbbbbbbbbbbbbbbbAw");
    const [fetch] = of("Fetch", "boot") as [Capture];
    expect(throughWire(fetch, await node.service.fetch(requestOf(fetch), fetch.version))).to.deep.equal(
      answerOf(fetch),
    );
  });

  it("are Kafka's: a leader of the past is told who leads now", async () => {
    const node = await controller(1, "bbbbbbbbbbbbbbbbbbbbAQ");
    const [begin] = of("BeginQuorumEpoch", "share") as [Capture];
    expect(throughWire(begin, node.service.beginQuorumEpoch(requestOf(begin)))).to.deep.equal(answerOf(begin));
    const [end] = of("EndQuorumEpoch") as [Capture];
    expect(throughWire(end, node.service.endQuorumEpoch(requestOf(end)))).to.deep.equal(answerOf(end));
  });

  it("are Kafka's: a new directory is not the voter that is meant", async () => {
    const node = await controller(3, "NHRr1qUG3B3zTFGfzhap2Q");
    const [begin] = of("BeginQuorumEpoch", "node-3-fresh-disk").filter(capture => requestOf(capture).voterId === 3) as [
      Capture,
    ];
    expect(throughWire(begin, node.service.beginQuorumEpoch(requestOf(begin)))).to.deep.equal(answerOf(begin));
  });

  it("refuse what is for another cluster", async () => {
    const node = await controller(3, "bbbbbbbbbbbbbbbbbbbbAw");
    const [vote] = of("Vote", "boot") as [Capture];
    const request = { ...requestOf(vote), clusterId: "another" };
    expect(node.service.vote(request)).to.deep.include({ errorCode: 104 });
    expect(node.leaderAndEpoch.epoch).to.equal(0);
  });
});
