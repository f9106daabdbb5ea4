/** Brokers under measurement, as processes of their own. */

/** One broker. */
export interface System {
  readonly name: string;
  /** Version, runtime and the settings that matter for durability, for the report. */
  readonly description: string;
  readonly address: string;
  readonly pid: number;
  readonly dataDir: string;
  /** From the start of the process, the last one, to its first answer to ApiVersions. */
  readonly startMs: number;
  readonly isRunning: boolean;
  /** Ends the process with `signal` and resolves when it is gone. */
  kill(signal: NodeJS.Signals): Promise<void>;
  /** Starts it again on the same port and directory; resolves at its first answer. */
  restart(): Promise<void>;
  /** Stops it cleanly, if it runs, and removes what it wrote. */
  stop(): Promise<void>;
}

/** Several brokers that are one cluster, each in both roles. */
export interface ClusterSystem {
  readonly name: string;
  /** As that of one broker. */
  readonly description: string;
  readonly nodes: readonly ClusterNode[];
  stop(): Promise<void>;
}

export interface ClusterNode {
  readonly id: number;
  readonly address: string;
  readonly pid: number;
  kill(signal: NodeJS.Signals): Promise<void>;
}

/** How a broker of one make is started. */
export interface Make {
  readonly name: string;
  start(dataRoot: string): Promise<System>;
  /** Rejects with a word for the report where this make has no clusters. */
  startCluster(dataRoot: string, size: number): Promise<ClusterSystem>;
}
