/**
 * What a handler may use: the broker's services, and the facts of the request and of the connection it came over.
 *
 * A {@link HandlerContext} is made for every request, so it holds four references and reads everything else through them.
 */
import type { Envelope } from "../../protocol/apis/58-envelope.ts";
import { ApiError, Errors } from "../../protocol/errors.ts";
import type { RequestOf, ResponseOf } from "../../protocol/schema.ts";
import type { BrokerConfig } from "../config/broker-config.ts";
import type { GroupCoordinator } from "../coordinators/group/group-coordinator.ts";
import type { LogManager } from "../log/log-manager.ts";
import type { ReadBuffers } from "../log/read-buffers.ts";
import type { Logger } from "../logging/logger.ts";
import type { Controller } from "../metadata/controller/controller.ts";
import type { ControllerChannel } from "../metadata/controller-channel.ts";
import type { MetadataStore } from "../metadata/metadata-store.ts";
import type { MissingBrokers } from "../metadata/missing-brokers.ts";
import type { ProducerIdSupply } from "../metadata/producer-id-supply.ts";
import type { Metrics } from "../metrics/metrics.ts";
import type { Clock, Disk, Random, Timers } from "../platform/platform.ts";
import type { QuorumService } from "../raft/quorum-service.ts";
import type { ReplicaManager } from "../replication/replica-manager.ts";
import type { FetchSessions } from "./fetch/fetch-sessions.ts";

/** Which of the two sets of APIs a listener serves: `broker` for clients and brokers, `controller` for the quorum. */
export type ListenerRole = "broker" | "controller";

/** One row of ApiVersions. */
export interface ApiRange {
  readonly apiKey: number;
  readonly minVersion: number;
  readonly maxVersion: number;
}

/** Who speaks, once authenticated. `User:ANONYMOUS` on a listener without authentication. */
export interface Principal {
  readonly type: string;
  readonly name: string;
}

export const ANONYMOUS: Principal = { type: "User", name: "ANONYMOUS" };

/** What handlers of every node work on, whatever its role; one object for the life of the node. */
export interface NodeServices {
  readonly nodeId: number;
  readonly clusterId: string;
  readonly config: BrokerConfig;
  readonly metadata: MetadataStore;
  /** The controller in this process, active or not; null on a node without that role. */
  readonly controller: Controller | null;
  /** This node's own requests to the active controller. */
  readonly channel: ControllerChannel;
  /** Answers for the quorum of the metadata log. */
  readonly quorum: QuorumService;
  readonly disk: Pick<Disk, "space">;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Runs a request that another broker passes on. */
  runEnvelope(request: RequestOf<typeof Envelope>): Promise<ResponseOf<typeof Envelope>>;
  /** Node id of the active controller as far as this node knows; -1 when it knows none. */
  controllerId(): number;
  /** The level of `kraft.version`, which the quorum keeps in its own log rather than in the metadata. */
  kraftVersion(): number;
  /** What ApiVersions answers on a listener of this role, by key. */
  advertisedApis(role: ListenerRole): readonly ApiRange[];
}

/** The parts of a broker that its handlers work on. */
export interface BrokerServices extends NodeServices {
  readonly replicas: ReplicaManager;
  readonly logs: LogManager;
  readonly groups: GroupCoordinator;
  readonly fetchSessions: FetchSessions;
  /** What fetches read from files into. */
  readonly readBuffers: ReadBuffers;
  /** Brokers of which it is about to be decided whether they lead on. */
  readonly missingBrokers: Pick<MissingBrokers, "decided">;
  /** Whether this broker hears nobody any more, so that others may lead what it leads. */
  isCutOff(): boolean;
  /** Creates topics on this broker's own account. */
  readonly topics: Pick<Controller, "createTopics">;
  /** Producer ids for the clients of this broker. */
  readonly producerIds: Pick<ProducerIdSupply, "next">;
}

/** What is known of a connection. */
export interface ConnectionFacts {
  /** Unique within the broker's run. */
  readonly id: number;
  /** As configured, e.g. `PLAINTEXT` or `CONTROLLER`: Metadata answers with the endpoints of this listener. */
  readonly listenerName: string;
  readonly listenerRole: ListenerRole;
  readonly securityProtocol: string;
  readonly remoteHost: string;
  readonly remotePort: number;
  readonly localHost: string;
  readonly localPort: number;
  readonly principal: Principal;
  /** Nobody will read a reply any more. */
  readonly isClosed: boolean;
  /** The broker that speaks, on a controller's listener, once it has said so; -1 before. Its death closes the connection. */
  brokerId: number;
  /** From ApiVersions v3+; empty before. Set by its handler. */
  clientSoftwareName: string;
  clientSoftwareVersion: string;
  /**
   * Called when the connection is gone, so that a parked request lets go of what it holds. One slot is enough: only a request that the connection's
   * next one waits for may set it. The connection clears it when that request is answered.
   */
  onClosed: (() => void) | null;
}

/** The header of a request as the dispatcher decoded it. */
export interface RequestFacts {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly correlationId: number;
  readonly clientId: string | null;
}

export class HandlerContext {
  readonly services: BrokerServices;
  readonly connection: ConnectionFacts;
  readonly request: RequestFacts;
  /**
   * Whether byte slices of the request stay valid after the synchronous part of the handler. False only for ordered handlers whose frame lies in
   * the shared receive window.
   */
  readonly ownsRequestBytes: boolean;
  /** Header and body as they came, for a request that may be passed on; null for all others. */
  readonly requestBytes: Buffer | null;

  constructor(
    services: BrokerServices,
    connection: ConnectionFacts,
    request: RequestFacts,
    ownsRequestBytes: boolean,
    requestBytes: Buffer | null = null,
  ) {
    this.services = services;
    this.connection = connection;
    this.request = request;
    this.ownsRequestBytes = ownsRequestBytes;
    this.requestBytes = requestBytes;
  }

  get apiVersion(): number {
    return this.request.apiVersion;
  }

  get clientId(): string | null {
    return this.request.clientId;
  }

  get principal(): Principal {
    return this.connection.principal;
  }

  get nodeId(): number {
    return this.services.nodeId;
  }

  get clusterId(): string {
    return this.services.clusterId;
  }

  get config(): BrokerConfig {
    return this.services.config;
  }

  get metadata(): MetadataStore {
    return this.services.metadata;
  }

  /** The controller in this process, active or not. Throws `ApiError` NOT_CONTROLLER on a node without that role. */
  get controller(): Controller {
    const { controller } = this.services;
    if (controller === null) throw new ApiError(Errors.NOT_CONTROLLER);
    return controller;
  }

  get replicas(): ReplicaManager {
    return this.services.replicas;
  }

  get logs(): LogManager {
    return this.services.logs;
  }

  get groups(): GroupCoordinator {
    return this.services.groups;
  }

  get fetchSessions(): FetchSessions {
    return this.services.fetchSessions;
  }

  get readBuffers(): ReadBuffers {
    return this.services.readBuffers;
  }

  get clock(): Clock {
    return this.services.clock;
  }

  get timers(): Timers {
    return this.services.timers;
  }

  get random(): Random {
    return this.services.random;
  }

  get logger(): Logger {
    return this.services.logger;
  }

  get metrics(): Metrics {
    return this.services.metrics;
  }
}
