/**
 * Finds out which cluster a new node belongs to, or founds one with its peers: asks all of them until {@link judge} knows.
 *
 * Nobody waits for the clock alone: a peer that asks has just come, and is asked in turn at once.
 */
import type { Logger } from "../../logging/index.ts";
import type { Clock, Platform, Timers } from "../../platform/platform.ts";
import { RpcConnection } from "../../rpc/index.ts";
import { BrokerStartError } from "../supported.ts";
import type { Founder } from "./formation-file.ts";
import { DescribePeer, type PeerFacts } from "./peer-api.ts";
import type { PeerAddress } from "./peers.ts";
import { judge, type Settled, type VerdictOptions } from "./verdict.ts";

export interface ClusterSearchOptions extends VerdictOptions {
  /** What this node says of itself, but for its view. */
  readonly self: PeerFacts;
  readonly peers: readonly PeerAddress[];
}

export interface ClusterSearchModules {
  readonly platform: Pick<Platform, "network" | "timers">;
  readonly clock: Pick<Clock, "monotonic">;
  readonly timers: Timers;
  readonly logger: Logger;
}

const ASK_TIMEOUT_MS = 1_000;
/** Between rounds, unless a peer asks meanwhile. */
const ROUND_PAUSE_MS = 250;
/** How often it is logged what is waited for. */
const REPORT_INTERVAL_MS = 5_000;

export class ClusterSearch {
  readonly #options: ClusterSearchOptions;
  readonly #modules: ClusterSearchModules;
  #view: readonly Founder[] = [];
  #isStopped = false;
  /** A peer has asked since the last round began. */
  #isDue = false;
  #endPause: (() => void) | null = null;
  #reportedMs = Number.NEGATIVE_INFINITY;

  constructor(options: ClusterSearchOptions, modules: ClusterSearchModules) {
    this.#options = options;
    this.#modules = modules;
  }

  /** What this node answers to a peer that asks while it searches. */
  answer(): PeerFacts {
    this.#isDue = true;
    this.#endPause?.();
    return { ...this.#options.self, view: [...this.#view] };
  }

  /** Resolves with what to do. Rejects with {@link BrokerStartError} when what the peers say cannot be, or the search is stopped. */
  async run(): Promise<Settled> {
    const { self, peers } = this.#options;
    while (!this.#isStopped) {
      this.#isDue = false;
      const facts = await Promise.all(peers.map(peer => this.#ask(peer)));
      const asked = peers.map((peer, index) => ({
        name: `${peer.host}:${peer.port}`,
        expectedId: peer.id,
        facts: facts[index] ?? null,
      }));
      const verdict = judge(self, asked, this.#options);
      if (verdict.kind === "refuse") throw new BrokerStartError(verdict.why);
      if (verdict.kind !== "wait") return verdict;
      this.#view = verdict.view;
      this.#report(verdict.why);
      if (!this.#isDue) await this.#pause();
    }
    throw new BrokerStartError("the node was stopped while it looked for its cluster");
  }

  stop(): void {
    this.#isStopped = true;
    this.#endPause?.();
  }

  /** Null when there is no answer, whatever the reason. */
  async #ask({ host, port }: PeerAddress): Promise<PeerFacts | null> {
    const { nodeId } = this.#options.self;
    const connection = new RpcConnection(
      {
        host,
        port,
        clientId: `samsa-peer-${nodeId}`,
        requestTimeoutMs: ASK_TIMEOUT_MS,
        connectTimeoutMs: ASK_TIMEOUT_MS,
      },
      this.#modules,
    );
    try {
      await connection.connect();
      const { errorCode, ...facts } = await connection.send(DescribePeer, 0, { nodeId });
      return errorCode === 0 ? facts : null;
    } catch (error) {
      this.#modules.logger.debug("cluster.peer-silent", { peer: connection.address, error: (error as Error).message });
      return null;
    } finally {
      connection.close();
    }
  }

  #report(why: string): void {
    const nowMs = this.#modules.clock.monotonic();
    if (nowMs - this.#reportedMs < REPORT_INTERVAL_MS) return;
    this.#reportedMs = nowMs;
    this.#modules.logger.info("cluster.waiting", { nodeId: this.#options.self.nodeId, why });
  }

  #pause(): Promise<void> {
    return new Promise(resolve => {
      const done = () => {
        timer.clear();
        this.#endPause = null;
        resolve();
      };
      const timer = this.#modules.timers.after(ROUND_PAUSE_MS, done);
      this.#endPause = done;
    });
  }
}
