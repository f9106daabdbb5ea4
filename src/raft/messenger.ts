/** Sends what the core has to say to other members, and brings back what they answer. */
import { Fetch } from "../../protocol/apis/01-fetch.ts";
import { Vote } from "../../protocol/apis/52-vote.ts";
import { BeginQuorumEpoch } from "../../protocol/apis/53-begin-quorum-epoch.ts";
import { EndQuorumEpoch } from "../../protocol/apis/54-end-quorum-epoch.ts";
import { FetchSnapshot } from "../../protocol/apis/59-fetch-snapshot.ts";
import { AddRaftVoter } from "../../protocol/apis/80-add-raft-voter.ts";
import { RemoveRaftVoter } from "../../protocol/apis/81-remove-raft-voter.ts";
import { UpdateRaftVoter } from "../../protocol/apis/82-update-raft-voter.ts";
import { errorName } from "../../protocol/errors.ts";
import type { Api, RequestInputOf, ResponseOf, VersionRange } from "../../protocol/schema.ts";
import type { Logger } from "../logging/logger.ts";
import type { Action, FetchOrder } from "./actions.ts";
import type { RaftCore } from "./core.ts";
import type { OffsetAndEpoch } from "./messages.ts";
import { type Address, type ConnectToPeer, PeerError, Peers, type Purpose } from "./peers.ts";
import { type Endpoint, KRAFT_VERSION_RANGE, type ReplicaKey } from "./voter-set.ts";
import {
  decodeEpochResponse,
  decodeFetchResponse,
  decodeVoteResponse,
  encodeBeginEpoch,
  encodeEndEpoch,
  encodeFetch,
  encodeFetchSnapshot,
  encodeVote,
} from "./wire.ts";

export interface MessengerOptions {
  readonly self: ReplicaKey;
  readonly clusterId: string;
  /** Where this node's controller listens. */
  readonly endpoints: readonly Endpoint[];
  readonly listenerName: string;
  readonly bootstrapServers: readonly Address[];
  readonly requestTimeoutMs: number;
  readonly fetchTimeoutMs: number;
  readonly retryBackoffMs: number;
  readonly fetchMaxBytes: number;
  readonly snapshotMaxBytes: number;
}

export interface MessengerModules {
  readonly connect: ConnectToPeer;
  readonly logger: Logger;
  /** Has the core hear an answer, or that there is none. */
  readonly step: (event: (core: RaftCore, nowMs: number) => readonly Action[]) => void;
  /** Told of a request that could not be made: a fault of this node. */
  readonly onFault: (error: Error) => void;
}

/** An action that goes to another node. */
export type SendAction = Extract<Action, { type: `send${string}` }>;

export class Messenger {
  readonly #options: MessengerOptions;
  readonly #modules: MessengerModules;
  readonly #peers: Peers;
  /** Resignations that are not answered yet. */
  #handovers: Promise<void>[] = [];

  constructor(options: MessengerOptions, modules: MessengerModules) {
    this.#options = options;
    this.#modules = modules;
    this.#peers = new Peers({ ...options, clientId: `raft-client-${options.self.id}` }, modules);
  }

  /** Where a node's controller was last known to be. */
  addressOf(nodeId: number): Address | null {
    const { self, endpoints } = this.#options;
    return nodeId === self.id ? (endpoints[0] ?? null) : this.#peers.addressOf(nodeId);
  }

  /** Notes where a node says, or is said, to listen. */
  learnAddress(nodeId: number, endpoints: readonly Endpoint[]): void {
    const { self, listenerName } = this.#options;
    const endpoint = endpoints.find(({ name }) => name === listenerName) ?? endpoints[0];
    if (endpoint !== undefined && nodeId !== self.id) this.#peers.learn(nodeId, endpoint);
  }

  /**
   * Has connections to other voters ready: an election that has to make them first takes two more round trips for the votes, and two for the first
   * fetch from the new leader.
   */
  prepare(voterIds: readonly number[]): void {
    for (const id of voterIds) if (id !== this.#options.self.id) this.#peers.prepare(id);
  }

  send(action: SendAction): void {
    switch (action.type) {
      case "sendVote":
        this.#vote(action);
        break;
      case "sendBeginEpoch":
        this.#beginEpoch(action);
        break;
      case "sendEndEpoch":
        this.#endEpoch(action);
        break;
      case "sendFetch":
        this.#fetch(action.fetch);
        break;
      case "sendUpdateVoter":
        this.#updateVoter(action.to, action.epoch);
        break;
      case "sendJoin":
        if (action.stale === null) this.#addVoter(action.to);
        else this.#removeVoter(action.to, action.stale);
    }
  }

  /** A part of a snapshot, from the leader of `epoch`. */
  fetchSnapshot(
    from: number,
    epoch: number,
    id: OffsetAndEpoch,
    position: number,
  ): Promise<ResponseOf<typeof FetchSnapshot>> {
    const { clusterId, self, snapshotMaxBytes: maxBytes } = this.#options;
    const body = encodeFetchSnapshot(clusterId, self, { epoch, id, position, maxBytes });
    return this.#request(from, "fetch", FetchSnapshot, body);
  }

  /** Resolves when all have answered who were told of a resignation. */
  async handedOver(): Promise<void> {
    await Promise.all(this.#handovers);
  }

  close(): void {
    this.#peers.close();
  }

  #vote({ round, request }: Extract<Action, { type: "sendVote" }>): void {
    const { id } = request.voter;
    // Version 2 is the first with pre-votes.
    this.#request(id, "control", Vote, encodeVote(this.#options.clusterId, request), { versions: { min: 2 } }).then(
      response => this.#step((core, nowMs) => core.voteAnswered(id, round, decodeVoteResponse(response), nowMs)),
      error => {
        this.#unanswered("Vote", id, error);
        this.#step((core, nowMs) => core.voteFailed(id, round, nowMs));
      },
    );
  }

  #beginEpoch({ request }: Extract<Action, { type: "sendBeginEpoch" }>): void {
    const { clusterId, endpoints } = this.#options;
    const { id } = request.voter;
    const body = encodeBeginEpoch(clusterId, request, endpoints);
    this.#request(id, "control", BeginQuorumEpoch, body, { versions: { min: 1 } }).then(
      response => this.#step((core, nowMs) => core.epochAnswered(decodeEpochResponse(response), nowMs)),
      error => this.#unanswered("BeginQuorumEpoch", id, error),
    );
  }

  #endEpoch({ to, request }: Extract<Action, { type: "sendEndEpoch" }>): void {
    const { clusterId, endpoints } = this.#options;
    const body = encodeEndEpoch(clusterId, request, endpoints);
    const handover = this.#request(to.id, "control", EndQuorumEpoch, body, { versions: { min: 1 } })
      .then(
        response => this.#step((core, nowMs) => core.epochAnswered(decodeEpochResponse(response), nowMs)),
        error => this.#unanswered("EndQuorumEpoch", to.id, error),
      )
      .then(() => {
        this.#handovers = this.#handovers.filter(other => other !== handover);
      });
    this.#handovers.push(handover);
  }

  #fetch(order: FetchOrder): void {
    const { clusterId, self, fetchMaxBytes, fetchTimeoutMs } = this.#options;
    const body = encodeFetch(clusterId, self, order, fetchMaxBytes);
    // Version 17 is the first with directory ids.
    const options = { timeoutMs: order.maxWaitMs + fetchTimeoutMs, versions: { min: 17 } };
    this.#request(order.to, "fetch", Fetch, body, options).then(
      response => {
        const fetched = decodeFetchResponse(response);
        this.#step((core, nowMs) => core.fetchAnswered(order.token, order.to, fetched, nowMs));
      },
      error => {
        const isUnreachable = codeOf(error) === "connect";
        this.#unanswered("Fetch", order.to, error);
        this.#step((core, nowMs) => core.fetchFailed(order.token, isUnreachable, nowMs));
      },
    );
  }

  #updateVoter(to: number, currentLeaderEpoch: number): void {
    const { clusterId, self, endpoints } = this.#options;
    const body = {
      clusterId,
      currentLeaderEpoch,
      voterId: self.id,
      voterDirectoryId: self.directoryId,
      listeners: [...endpoints],
      kRaftVersionFeature: KRAFT_VERSION_RANGE,
    };
    this.#request(to, "control", UpdateRaftVoter, body).then(
      ({ errorCode }) => {
        this.#changed("update", errorCode);
        this.#step((core, nowMs) => core.updateVoterAnswered(currentLeaderEpoch, errorCode, nowMs));
      },
      error => this.#unanswered("UpdateRaftVoter", to, error),
    );
  }

  #addVoter(to: number): void {
    const { clusterId, self, endpoints, requestTimeoutMs: timeoutMs } = this.#options;
    const body = {
      clusterId,
      timeoutMs,
      voterId: self.id,
      voterDirectoryId: self.directoryId,
      listeners: [...endpoints],
      ackWhenCommitted: false,
    };
    this.#request(to, "control", AddRaftVoter, body, { versions: { min: 1 } }).then(
      ({ errorCode }) => this.#changed("addition", errorCode),
      error => this.#unanswered("AddRaftVoter", to, error),
    );
  }

  #removeVoter(to: number, stale: ReplicaKey): void {
    const body = { clusterId: this.#options.clusterId, voterId: stale.id, voterDirectoryId: stale.directoryId };
    this.#request(to, "control", RemoveRaftVoter, body).then(
      ({ errorCode }) => this.#changed("removal", errorCode),
      error => this.#unanswered("RemoveRaftVoter", to, error),
    );
  }

  #request<A extends Api>(
    to: number,
    purpose: Purpose,
    api: A,
    body: RequestInputOf<A>,
    options: { timeoutMs?: number; versions?: Partial<VersionRange> } = {},
  ): Promise<ResponseOf<A>> {
    const client = this.#peers.client(to, purpose);
    if (client === null) return Promise.reject(new PeerError("connect", `nobody knows where node ${to} is`));
    return client.request(api, body, options).then(response => {
      this.#learnFrom(response);
      return response;
    });
  }

  #learnFrom(response: { nodeEndpoints?: readonly { nodeId: number; host: string; port: number }[] }): void {
    for (const { nodeId, host, port } of response.nodeEndpoints ?? []) {
      if (nodeId !== this.#options.self.id) this.#peers.learn(nodeId, { host, port });
    }
  }

  #step(event: (core: RaftCore, nowMs: number) => readonly Action[]): void {
    this.#modules.step(event);
  }

  #changed(what: string, errorCode: number): void {
    this.#modules.logger.info("raft.voter-change-answered", { what, errorCode: errorName(errorCode) });
  }

  #unanswered(api: string, to: number, error: unknown): void {
    // Encoding faults and the like are ours: they must not pass as silence of a peer.
    if (codeOf(error) === null) this.#modules.onFault(error as Error);
    else this.#modules.logger.debug("raft.unanswered", { api, to, error: (error as Error).message });
  }
}

/** The code of a `PeerClient`'s error; null for one that is none. */
function codeOf(error: unknown): string | null {
  const { code } = error as { code?: unknown };
  return typeof code === "string" ? code : null;
}
