/** What a run has found so far: kept in a file after every measurement, so that a run that is cut short can be gone on with. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { DiskFigures } from "./disk-probe.ts";
import type { Entry } from "./scenario.ts";

export interface Omission {
  readonly scenario: string;
  readonly system: string;
  /** Where on the scenario's axis. */
  readonly at: string | number;
  readonly why: string;
}

/** Everything a run leaves behind. */
export interface ResultsData {
  readonly date: string;
  readonly machine: string;
  readonly systems: readonly { readonly name: string; readonly description: string }[];
  readonly settings: Readonly<Record<string, string | number | boolean>>;
  /** How long it took, and what the machine was doing before it began. */
  readonly minutes: number;
  readonly loadAverageBefore: number;
  /** What the disk gave before any broker ran. */
  readonly disk?: DiskFigures;
  /** Scenarios that came to their end. */
  readonly completed: readonly string[];
  readonly entries: readonly Entry[];
  readonly omissions: readonly Omission[];
}

export function readResults(file: string): ResultsData {
  const data = JSON.parse(readFileSync(file, "utf8"));
  if (!Array.isArray(data.entries) || !Array.isArray(data.completed))
    throw new Error(`${file} holds no results of this benchmark`);
  return data;
}

export class Results {
  readonly file: string;
  readonly #startedMs = performance.now();
  readonly #earlierMinutes: number;
  readonly #systems: () => ResultsData["systems"];
  #data: ResultsData;

  /** @param systems asks for the names and descriptions of what has run so far */
  constructor(file: string, data: ResultsData, systems: () => ResultsData["systems"]) {
    this.file = file;
    this.#data = data;
    this.#earlierMinutes = data.minutes;
    this.#systems = systems;
    mkdirSync(dirname(file), { recursive: true });
  }

  get data(): ResultsData {
    const systems = new Map([...this.#data.systems, ...this.#systems()].map(system => [system.name, system]));
    const minutes = this.#earlierMinutes + (performance.now() - this.#startedMs) / 60_000;
    return { ...this.#data, minutes, systems: [...systems.values()] };
  }

  /** What was found of a scenario before is forgotten. */
  begin(scenario: string): void {
    const isOther = (each: { scenario: string }): boolean => each.scenario !== scenario;
    const { entries, omissions, completed } = this.#data;
    this.#data = {
      ...this.#data,
      entries: entries.filter(isOther),
      omissions: omissions.filter(isOther),
      completed: completed.filter(name => name !== scenario),
    };
  }

  noteDisk(disk: DiskFigures): void {
    this.#data = { ...this.#data, disk };
    this.save();
  }

  complete(scenario: string): void {
    this.#data = { ...this.#data, completed: [...this.#data.completed, scenario] };
    this.save();
  }

  add(entry: Entry): void {
    this.#data = { ...this.#data, entries: [...this.#data.entries, entry] };
    this.save();
  }

  omit(omission: Omission): void {
    this.#data = { ...this.#data, omissions: [...this.#data.omissions, omission] };
    this.save();
  }

  save(): void {
    const partial = `${this.file}.partial`;
    writeFileSync(partial, `${JSON.stringify(this.data, null, 1)}\n`);
    renameSync(partial, this.file);
  }
}
