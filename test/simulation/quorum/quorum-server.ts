/** A controller's listener, as small as the quorum needs it: frames in, answers out, in order. */
import { Fetch } from "../../../protocol/apis/01-fetch.ts";
import { ApiVersions } from "../../../protocol/apis/18-api-versions.ts";
import { Vote } from "../../../protocol/apis/52-vote.ts";
import { BeginQuorumEpoch } from "../../../protocol/apis/53-begin-quorum-epoch.ts";
import { EndQuorumEpoch } from "../../../protocol/apis/54-end-quorum-epoch.ts";
import { FetchSnapshot } from "../../../protocol/apis/59-fetch-snapshot.ts";
import { AddRaftVoter } from "../../../protocol/apis/80-add-raft-voter.ts";
import { RemoveRaftVoter } from "../../../protocol/apis/81-remove-raft-voter.ts";
import { UpdateRaftVoter } from "../../../protocol/apis/82-update-raft-voter.ts";
import { ApiError } from "../../../protocol/errors.ts";
import { decodeRequest, decodeRequestHeader, encodeResponse } from "../../../protocol/frame.ts";
import { Reader } from "../../../protocol/reader.ts";
import type { Api, RequestOf, ResponseInputOf } from "../../../protocol/schema.ts";
import type { Connection, Listener, Network } from "../../../src/platform/platform.ts";
import type { QuorumService } from "../../../src/raft/quorum-service.ts";
import { FrameReceiver } from "../../../src/rpc/frame-receiver.ts";

const MAX_FRAME_BYTES = 16 * 1024 * 1024;

const APIS: readonly Api[] = [
  ApiVersions,
  Fetch,
  Vote,
  BeginQuorumEpoch,
  EndQuorumEpoch,
  FetchSnapshot,
  AddRaftVoter,
  RemoveRaftVoter,
  UpdateRaftVoter,
] as unknown as Api[];

type Answer = (version: number, request: never) => unknown;

/** Told of each Fetch that was answered, and how. */
export type FetchObserver = (request: RequestOf<typeof Fetch>, answer: ResponseInputOf<typeof Fetch>) => void;

export function serveQuorum(
  network: Network,
  port: number,
  service: QuorumService,
  onFetched: FetchObserver,
): Promise<Listener> {
  const fetch = async (version: number, request: RequestOf<typeof Fetch>) => {
    const answer = await service.fetch(request, version);
    onFetched(request, answer);
    return answer;
  };
  const answers = new Map<number, Answer>([
    [Fetch.key, fetch] as [number, Answer],
    [Vote.key, (_version, request) => service.vote(request)],
    [BeginQuorumEpoch.key, (_version, request) => service.beginQuorumEpoch(request)],
    [EndQuorumEpoch.key, (_version, request) => service.endQuorumEpoch(request)],
    [FetchSnapshot.key, (_version, request) => service.fetchSnapshot(request)],
    [AddRaftVoter.key, (_version, request) => service.addVoter(request)],
    [RemoveRaftVoter.key, (_version, request) => service.removeVoter(request)],
    [UpdateRaftVoter.key, (_version, request) => service.updateVoter(request)],
    [ApiVersions.key, () => apiVersions()],
  ]);
  return network.listen({ host: "0.0.0.0", port }, connection => serve(connection, answers));
}

function serve(connection: Connection, answers: ReadonlyMap<number, Answer>): void {
  let before: Promise<void> = Promise.resolve();
  const receiver = new FrameReceiver(MAX_FRAME_BYTES, frame => {
    before = before.then(() => answer(connection, answers, frame)).catch(() => connection.destroy());
  });
  connection.start({
    buffer: () => receiver.buffer(),
    received: sizeBytes => receiver.received(sizeBytes),
    drained: () => {},
    closed: () => {},
  });
}

async function answer(connection: Connection, answers: ReadonlyMap<number, Answer>, frame: Buffer): Promise<void> {
  const reader = new Reader(frame);
  const { apiKey, apiVersion, correlationId } = decodeRequestHeader(reader);
  const api = APIS.find(({ key }) => key === apiKey);
  const handle = answers.get(apiKey);
  if (api === undefined || handle === undefined) throw new Error(`no API ${apiKey}`);
  const request = decodeRequest(api, apiVersion, reader);
  try {
    const body = (await handle(apiVersion, request as never)) as ResponseInputOf<Api>;
    connection.write(encodeResponse(api, apiVersion, correlationId, body));
  } catch (error) {
    // Nothing here has an answer of its own for a state that could not be written.
    if (!(error instanceof ApiError)) throw error;
    connection.destroy();
  }
}

function apiVersions(): ResponseInputOf<typeof ApiVersions> {
  return {
    errorCode: 0,
    apiKeys: APIS.map(({ key, versions }) => ({ apiKey: key, minVersion: versions.min, maxVersion: versions.max })),
    throttleTimeMs: 0,
    supportedFeatures: [],
    finalizedFeatures: [],
  };
}
