/** A broker under measurement, as a process of its own. */

export interface System {
  readonly name: string;
  /** Version, runtime and the settings that matter for durability, for the report. */
  readonly description: string;
  readonly address: string;
  readonly pid: number;
  /** From the start of the process to its first answer to ApiVersions. */
  readonly startMs: number;
  stop(): Promise<void>;
}

export type StartSystem = () => Promise<System>;
