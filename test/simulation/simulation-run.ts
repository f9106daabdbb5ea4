/** What came of one run of one seed. */
export interface SimulationRun {
  /** Of the scenario. */
  readonly name: string;
  readonly hash: string;
  readonly eventCount: number;
  readonly faults: ReadonlyMap<string, number>;
  /** What happened, by kind: shows that a run did something. */
  readonly counts: Readonly<Record<string, number>>;
  readonly trace: readonly string[];
  /** Why the run failed; null when all held. */
  readonly failure: Error | null;
}
