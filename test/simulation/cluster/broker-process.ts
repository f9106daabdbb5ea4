/** One life of a broker on a machine of the simulated world: the {@link Broker} that ships, and a look into it. */
import { Envelope } from "../../../protocol/apis/58-envelope.ts";
import { Broker } from "../../../src/broker.ts";
import { BrokerConfig } from "../../../src/config/index.ts";
import type { BrokerServices } from "../../../src/handlers/context.ts";
import type { LogManager, PartitionLog } from "../../../src/log/index.ts";
import type { Platform } from "../../../src/platform/platform.ts";
import type { RaftDriver } from "../../../src/raft/driver.ts";
import type { Machine } from "../machine.ts";
import type { QuorumMember } from "../quorum/quorum-checks.ts";
import { traceLogger } from "../trace-logger.ts";

export const CLIENT_PORT = 9092;
export const CONTROLLER_PORT = 19_092;
const DATA = "/data";

export interface BrokerProcessOptions {
  readonly name: string;
  readonly nodeId: number;
  readonly role: NodeRole;
  readonly settings: Readonly<Record<string, string>>;
}

/** What a node is: most are both. */
export type NodeRole = "broker" | "controller" | "both";

export interface BrokerProcessObserver {
  note(what: string): void;
  /** It lost its connection to the active controller over a client's request, which it sends again: that may be run twice, as in Kafka. */
  forwardingLost(): void;
  /** It takes part in the metadata quorum. */
  joined(process: BrokerProcess): void;
  /** It cannot start, or has ended itself. */
  ended(process: BrokerProcess, error: Error): void;
}

export class BrokerProcess implements QuorumMember {
  readonly options: {
    readonly nodeId: number;
    readonly name: string;
    readonly role: NodeRole;
    directoryId: string;
  };
  readonly broker: Broker;
  readonly machine: Machine;
  readonly platform: Platform;
  readonly #observer: BrokerProcessObserver;
  services: BrokerServices | null = null;
  logs: LogManager | null = null;
  #driver: RaftDriver | null = null;
  log: PartitionLog | null = null;
  isStarted = false;
  /** Its start may be given up then. */
  isToldToStop = false;

  /** On a machine on which nothing runs. */
  constructor(options: BrokerProcessOptions, machine: Machine, observer: BrokerProcessObserver) {
    const { name, nodeId, role } = options;
    this.options = { name, nodeId, role, directoryId: "" };
    this.machine = machine;
    const platform = machine.boot();
    this.platform = platform;
    this.#observer = observer;
    const config = BrokerConfig.load({
      overrides: {
        "node.id": String(nodeId),
        "process.roles": role === "both" ? "broker,controller" : role,
        "log.dirs": DATA,
        listeners: listenersOf(name, role),
        "controller.listener.names": "CONTROLLER",
        ...options.settings,
      },
    });
    this.broker = new Broker(
      { config },
      {
        platform,
        logger: traceLogger(
          what => observer.note(what),
          (event, fields) => {
            if (event === "controller-channel.lost" && fields?.api === Envelope.name) observer.forwardingLost();
          },
        ),
        onFatal: error => observer.ended(this, error),
        observer: {
          quorumJoined: (driver, logs) => this.#joined(driver, logs),
          assembled: services => {
            this.services = services;
          },
        },
      },
    );
  }

  get driver(): RaftDriver | null {
    return this.#driver?.isRunning === true ? this.#driver : null;
  }

  start(): void {
    this.broker.start().then(
      () => {
        this.isStarted = true;
        this.#observer.note("serves");
      },
      (error: unknown) => this.#observer.ended(this, error as Error),
    );
  }

  #joined(driver: RaftDriver, logs: LogManager): void {
    this.#driver = driver;
    this.logs = logs;
    this.options.directoryId = directoryIdOn(this.platform);
    logs.openMetadataLog().then(log => {
      this.log = log;
    });
    this.#observer.joined(this);
  }
}

/** A node is known to its peers by its first port, whatever listens there. */
function listenersOf(name: string, role: NodeRole): string {
  if (role === "controller") return `CONTROLLER://${name}:${CLIENT_PORT}`;
  const client = `PLAINTEXT://${name}:${CLIENT_PORT}`;
  return role === "broker" ? client : `${client},CONTROLLER://${name}:${CONTROLLER_PORT}`;
}

function directoryIdOn(platform: Platform): string {
  const text = platform.disk.readFile(`${DATA}/meta.properties`).toString();
  const found = /^directory\.id=(.*)$/m.exec(text);
  if (found === null) throw new Error(`no directory.id in ${text}`);
  return found[1]!;
}
