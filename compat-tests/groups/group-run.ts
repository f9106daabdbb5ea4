/**
 * A group under test: its members' processes, what they have said, and the rules that it must keep.
 *
 * ```ts
 * const run = new GroupRun({ partitions: 12 }, { launch });
 * run.start(3);
 * await run.sharedByAll();
 * run.produced(partition, 100);
 * await run.allProcessed();
 * run.checkRecords();
 * ```
 */
import { expect } from "chai";
import { type MemberCommand, type MemberEvent, MemberProcess } from "./member-process.ts";

/** Long enough for ten programs to start on a busy machine; what is awaited comes far sooner. */
const LIMIT_MS = 60_000;

export interface GroupRunOptions {
  readonly partitions: number;
}

export interface GroupRunModules {
  /** Processes for `count` members: one each, or one for several. */
  readonly launch: (count: number, instanceId?: string) => readonly (MemberCommand & { readonly members: number })[];
}

/** One member and what it has said. */
export class Member {
  readonly process: MemberProcess;
  readonly events: MemberEvent[] = [];
  owned: readonly number[] = [];
  hasCrashed = false;

  constructor(process: MemberProcess) {
    this.process = process;
  }

  get isRunning(): boolean {
    return this.process.isRunning;
  }

  /** How often it was told of another assignment. */
  get assignmentCount(): number {
    return this.events.filter(event => event.event === "owned").length;
  }

  /** How many records it has processed. */
  get processedCount(): number {
    let count = 0;
    for (const event of this.events) if (event.event === "processed") count += event.last - event.first + 1;
    return count;
  }
}

export class GroupRun {
  readonly #options: GroupRunOptions;
  readonly #modules: GroupRunModules;
  readonly #members: Member[] = [];
  readonly #processes: MemberProcess[] = [];
  /** Where each partition ends. */
  readonly #endOffsets: number[];
  #changed: (() => void) | null = null;

  constructor(options: GroupRunOptions, modules: GroupRunModules) {
    this.#options = options;
    this.#modules = modules;
    this.#endOffsets = Array.from({ length: options.partitions }, () => 0);
  }

  /** All that were ever started. */
  get members(): readonly Member[] {
    return this.#members;
  }

  get running(): Member[] {
    return this.#members.filter(member => member.isRunning);
  }

  get endOffsets(): readonly number[] {
    return this.#endOffsets;
  }

  /** Starts members; {@link sharedByAll} tells when they have their share. */
  start(count: number, instanceId?: string): Member[] {
    const started: Member[] = [];
    for (const command of this.#modules.launch(count, instanceId)) {
      const own: Member[] = [];
      const process = new MemberProcess(command, (event, index) => this.#hear(own[index]!, event));
      this.#processes.push(process);
      for (let index = 0; index < command.members; index++) own.push(new Member(process));
      started.push(...own);
    }
    this.#members.push(...started);
    return started;
  }

  /** `count` more records are in a partition. */
  produced(partition: number, count: number): void {
    this.#endOffsets[partition]! += count;
  }

  async crash(member: Member): Promise<void> {
    await member.process.crash();
    for (const other of this.#members) if (other.process === member.process) other.hasCrashed = true;
    this.#changed?.();
  }

  async leave(member: Member): Promise<void> {
    await member.process.leave();
    this.#changed?.();
  }

  /** Resolves when every partition has one owner among the members that run, and nobody has nothing or far more than others. */
  async sharedByAll(): Promise<void> {
    await this.until("all partitions are shared by all members", () => {
      const running = this.running;
      const owned = running.flatMap(member => member.owned);
      const share = this.#options.partitions / running.length;
      return (
        owned.length === this.#options.partitions &&
        new Set(owned).size === owned.length &&
        running.every(({ owned: { length } }) => length >= Math.floor(share) && length <= Math.ceil(share))
      );
    });
  }

  /** Resolves when every record that was produced has been processed by somebody. */
  async allProcessed(): Promise<void> {
    await this.until("all records are processed", () => {
      const ends = this.#endOffsets.map(() => 0);
      for (const member of this.#members) {
        for (const event of member.events) {
          if (event.event === "processed") ends[event.partition] = Math.max(ends[event.partition]!, event.last + 1);
        }
      }
      return ends.every((end, partition) => end >= this.#endOffsets[partition]!);
    });
  }

  /** Resolves when what the members have processed is committed, as far as they say. */
  async allCommitted(): Promise<void> {
    await this.until("all records are committed", () => {
      const ends = this.#endOffsets.map(() => 0);
      for (const member of this.#members) {
        for (const event of member.events) {
          if (event.event === "committed") ends[event.partition] = Math.max(ends[event.partition]!, event.offset);
        }
      }
      return ends.every((end, partition) => end === this.#endOffsets[partition]!);
    });
  }

  /**
   * Every record was processed, and once: a second time only when the member that processed it before was killed before it heard of its commit.
   *
   * @param saysCommits whether the members tell of their commits; without, no record may come twice at all
   */
  checkRecords(saysCommits: boolean): void {
    const problems: string[] = [];
    for (const [partition, endOffset] of this.#endOffsets.entries()) {
      const processedBy: Member[][] = Array.from({ length: endOffset }, () => []);
      const settledBy: Member[][] = Array.from({ length: endOffset }, () => []);
      for (const member of this.#members) replay(member, partition, processedBy, settledBy);
      for (let offset = 0; offset < endOffset; offset++) {
        const record = `record ${offset} of partition ${partition}`;
        const settled = saysCommits ? settledBy[offset]! : processedBy[offset]!;
        if (processedBy[offset]!.length === 0) problems.push(`${record} was not processed`);
        if (settled.length > 1) problems.push(`${record} was processed and committed ${settled.length} times`);
        const open = processedBy[offset]!.filter(member => !settled.includes(member) && !member.hasCrashed);
        if (open.length > 0) problems.push(`${record} was processed and not committed by a member that lives`);
      }
    }
    const said = this.#members.flatMap(({ events }) => events).filter(event => event.event === "commit-failed");
    expect(problems.slice(0, 20), `${problems.length} problems; failed commits: ${JSON.stringify(said)}`).to.deep.equal(
      [],
    );
  }

  /** Nobody has met an error that it did not get over by itself. */
  checkErrors(): void {
    const errors = this.#members.flatMap(({ events }) => events.filter(event => event.event === "error"));
    expect(errors).to.deep.equal([]);
  }

  /** Resolves when `isSo`; looked at whenever a member says something. */
  async until(what: string, isSo: () => boolean): Promise<void> {
    const deadline = Promise.withResolvers<void>();
    const timer = setTimeout(() => deadline.reject(new Error(`never so: ${what}\n${this.#report()}`)), LIMIT_MS);
    try {
      while (!isSo()) {
        const changed = Promise.withResolvers<void>();
        this.#changed = changed.resolve;
        await Promise.race([changed.promise, deadline.promise]);
      }
    } finally {
      clearTimeout(timer);
      this.#changed = null;
    }
  }

  /** Ends all processes, however they are. */
  async dispose(): Promise<void> {
    await Promise.all(this.#processes.map(async process => process.isRunning && (await process.crash())));
  }

  #hear(member: Member, event: MemberEvent): void {
    // Java's consumer complains when it is told to leave while it reconciles.
    if (event.event === "error" && member.process.isLeaving) return;
    member.events.push(event);
    if (event.event === "owned") member.owned = event.partitions;
    this.#changed?.();
  }

  #report(): string {
    const members = this.#members.map((member, index) => {
      const last = member.events.slice(-5).map(event => JSON.stringify(event));
      const state = member.isRunning ? "runs" : "ended";
      return `member ${index} ${state}, owns [${member.owned}], said last ${last.join(" ")}\n${member.process.errors}`;
    });
    return `ends: [${this.#endOffsets}]\n${members.join("\n")}`;
  }
}

/** Adds what a member did to the records of one partition. */
function replay(member: Member, partition: number, processedBy: Member[][], settledBy: Member[][]): void {
  let open: number[] = [];
  for (const event of member.events) {
    if (event.event === "processed" && event.partition === partition) {
      for (let offset = event.first; offset <= event.last; offset++) {
        processedBy[offset]?.push(member);
        open.push(offset);
      }
    } else if (event.event === "committed" && event.partition === partition) {
      for (const offset of open) if (offset < event.offset) settledBy[offset]?.push(member);
      open = open.filter(offset => offset >= event.offset);
    }
  }
}
