/**
 * `node bench/groups.ts [--quick] [--profile FILE]`: the group coordinator under many members.
 *
 * 1,000 groups of five members each, every member with a connection of its own in another process: what a heartbeat every 3 s costs the broker, what a
 * member takes of its memory, and how many offset commits a second are made durable. Both protocols. The broker runs in this process, so that its CPU
 * time and its heap can be read without a sampler; figures are CPU time of the whole broker, network and codecs included. `--profile` writes a CPU
 * profile of the commits.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { Session } from "node:inspector/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Broker } from "../src/index.ts";
import { createTopics } from "./admin.ts";
import type { MembersCommand, MembersReport } from "./load/group-members.ts";

const isQuick = process.argv.includes("--quick");
const profileFile = process.argv.includes("--profile")
  ? process.argv[process.argv.indexOf("--profile") + 1]
  : undefined;
const GROUPS = isQuick ? 200 : 1_000;
const MEMBERS = 5;
const HEARTBEAT_INTERVAL_MS = 3_000;
const DURATION_MS = isQuick ? 3_000 : 12_000;
const COMMITTERS = 500;
const TOPIC = "bench-groups";
const PARTITIONS = 10;

setFlagsFromString("--expose-gc");
const collectGarbage: () => void = runInNewContext("gc");

for (const protocol of ["classic", "consumer"] as const) await measure(protocol);

async function measure(protocol: "classic" | "consumer"): Promise<void> {
  const dataDir = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), "samsa-bench-groups-"));
  const broker = await Broker.start({
    dataDir,
    config: {
      "max.connections.per.ip": 20_000,
      "max.connection.creation.rate": 20_000,
      "socket.listen.backlog.size": 4_096,
      "group.initial.rebalance.delay.ms": 1_000,
      "group.consumer.max.heartbeat.interval.ms": 15_000,
    },
  });
  const address = `${broker.address.host}:${broker.address.port}`;
  const members = fork(fileURLToPath(new URL("load/group-members.ts", import.meta.url)));
  try {
    await createTopics(address, [TOPIC], { partitions: PARTITIONS });
    const count = GROUPS * MEMBERS;
    await tell(members, {
      do: "connect",
      address,
      protocol,
      groups: GROUPS,
      members: MEMBERS,
      topic: TOPIC,
      partitions: PARTITIONS,
    });
    const before = memory();
    await tell(members, { do: "join" });
    const after = memory();
    const perMember = (bytes: number) => `${(bytes / count / 1024).toFixed(2)} KiB`;
    print(
      protocol,
      `memory a member: ${perMember(after.heap - before.heap)} of heap, ${perMember(after.buffers - before.buffers)} of buffers (caches of the log among them)`,
    );

    const beats = await measured(members, {
      do: "heartbeat",
      intervalMs: HEARTBEAT_INTERVAL_MS,
      durationMs: DURATION_MS,
    });
    const share = (beats.cpuSeconds / beats.seconds) * 100;
    print(
      protocol,
      `${count} members, a heartbeat every ${HEARTBEAT_INTERVAL_MS / 1000} s: ${perSecond(beats)} heartbeats/s, ${share.toFixed(1)} % of a core, ${cost(beats)}`,
    );

    const session = profileFile === undefined ? null : await startProfile();
    const commits = await measured(members, {
      do: "commit",
      committers: Math.min(COMMITTERS, count),
      durationMs: DURATION_MS,
    });
    if (session !== null) await stopProfile(session, `${protocol}-${profileFile}`);
    print(protocol, `offset commits: ${perSecond(commits)}/s durable, ${cost(commits)}`);
  } finally {
    members.kill();
    await broker.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

interface Measured extends MembersReport {
  readonly cpuSeconds: number;
  readonly seconds: number;
}

async function measured(members: ChildProcess, command: MembersCommand): Promise<Measured> {
  const cpu = process.cpuUsage();
  const startMs = performance.now();
  const report = await tell(members, command);
  const { user, system } = process.cpuUsage(cpu);
  return { ...report, cpuSeconds: (user + system) / 1e6, seconds: (performance.now() - startMs) / 1000 };
}

async function tell(members: ChildProcess, command: MembersCommand): Promise<MembersReport> {
  const answered = once(members, "message");
  const ended = once(members, "exit").then(() => {
    throw new Error("the members' process ended");
  });
  members.send(command);
  const [report] = (await Promise.race([answered, ended])) as [MembersReport];
  ended.catch(() => {}); // it is ended in the end
  return report;
}

function memory(): { heap: number; buffers: number } {
  collectGarbage();
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return { heap: heapUsed, buffers: arrayBuffers };
}

function perSecond({ count, seconds }: Measured): string {
  return Math.round(count / seconds).toLocaleString("en");
}

function cost({ cpuSeconds, count, latenciesMs: [median, p99] }: Measured): string {
  return `${((cpuSeconds / count) * 1e6).toFixed(0)} µs of CPU each, median ${median!.toFixed(2)} ms, p99 ${p99!.toFixed(2)} ms`;
}

function print(protocol: string, text: string): void {
  console.log(`${protocol.padEnd(8)} ${text}`);
}

async function startProfile(): Promise<Session> {
  const session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.start");
  return session;
}

async function stopProfile(session: Session, file: string): Promise<void> {
  const { profile } = await session.post("Profiler.stop");
  writeFileSync(file, JSON.stringify(profile));
  session.disconnect();
}
