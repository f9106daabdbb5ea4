/** The clients whose groups are tested: what each is called, which protocols it speaks, how its members are started, and what it needs. */
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { kafkaClassPath, kafkaToolsMissing } from "../support/kafka-tools.ts";
import { hasKcat } from "../support/kcat.ts";
import { consoleConsumerLines, kcatLines, samsaConsumeLines } from "./line-parsers.ts";
import type { GroupProtocol, MemberCommand, MemberConfig } from "./member-process.ts";

export interface GroupClient {
  readonly name: string;
  readonly protocol: GroupProtocol;
  /** Whether it can be a static member. */
  readonly isStatic: boolean;
  /** Whether its members tell of their commits. */
  readonly saysCommits: boolean;
  /** Why it cannot run here, or null when it can. */
  missing(): string | null;
  /** Builds or installs what it needs, once for the machine. */
  prepare(): void;
  launch(config: MemberConfig, count: number): readonly (MemberCommand & { readonly members: number })[];
}

const CACHE = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "samsa");
const INSTALL_LIMIT_MS = 240_000;

export const kafkajs: GroupClient = {
  name: "kafkajs",
  protocol: "classic",
  isStatic: false,
  saysCommits: true,
  missing: () => null,
  prepare: () => {},
  launch: eachAlone(config => ({ command: process.execPath, args: [here("members/kafkajs.ts"), told(config)] })),
};

export const kcat: GroupClient = {
  name: "kcat -G (librdkafka)",
  protocol: "classic",
  isStatic: true,
  saysCommits: false,
  missing: () => (hasKcat ? null : "kcat is not installed"),
  prepare: () => {},
  launch: eachAlone(config => ({
    command: "kcat",
    args: [
      ...["-u", "-G", config.group, "-b", config.bootstrap, "-f", "%p %o\\n"],
      ...["-X", "auto.offset.reset=earliest", "-X", "auto.commit.interval.ms=100", "-X", "fetch.wait.max.ms=100"],
      ...["-X", `session.timeout.ms=${config.sessionTimeoutMs}`],
      ...["-X", `heartbeat.interval.ms=${config.heartbeatIntervalMs}`],
      ...(config.instanceId === undefined ? [] : ["-X", `group.instance.id=${config.instanceId}`]),
      config.topic,
    ],
    parse: kcatLines(),
    leaveSignal: "SIGTERM",
  })),
};

export const confluentKafka = (protocol: GroupProtocol): GroupClient => ({
  name: "confluent-kafka (librdkafka)",
  protocol,
  isStatic: true,
  saysCommits: true,
  missing: pythonMissing,
  prepare: () => void pythonOfTests(),
  launch: eachAlone(config => ({ command: pythonOfTests(), args: [here("members/confluent.py"), told(config)] })),
});

export const kafkaPython: GroupClient = {
  name: "kafka-python",
  protocol: "classic",
  isStatic: true,
  saysCommits: true,
  missing: pythonMissing,
  prepare: () => void pythonOfTests(),
  launch: eachAlone(config => ({ command: pythonOfTests(), args: [here("members/kafka_python.py"), told(config)] })),
};

export const javaConsumer = (protocol: GroupProtocol): GroupClient => ({
  name: "Java's KafkaConsumer",
  protocol,
  isStatic: true,
  saysCommits: true,
  missing: kafkaToolsMissing,
  prepare: () => void javaMembers(),
  launch: (config, count) => [
    {
      command: "java",
      args: [
        ...["-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto"],
        // Its standard output tells of the members; an error that a client logs does not belong there.
        ...[`-Dlog4j2.configurationFile=${here("members/kafka-members-log.properties")}`],
        ...["-cp", `${javaMembers()}:${kafkaClassPath()}`, "KafkaMembers", `members=${count}`],
        ...Object.entries(config).map(([key, value]) => `${key}=${value}`),
      ],
      members: count,
    },
  ],
});

/** Kafka's tool: it tells what it owns by the log lines of Kafka's consumer. */
export const consoleConsumer = (protocol: GroupProtocol): GroupClient => ({
  name: "Java's console consumer",
  protocol,
  isStatic: false,
  saysCommits: false,
  missing: kafkaToolsMissing,
  prepare: () => void kafkaClassPath(),
  launch: eachAlone(config => ({
    command: "java",
    args: [
      ...["-Xmx128m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto"],
      ...[`-Dlog4j2.configurationFile=${here("members/console-consumer-log.properties")}`],
      ...["-cp", kafkaClassPath(), "org.apache.kafka.tools.consumer.ConsoleConsumer"],
      ...["--bootstrap-server", config.bootstrap, "--group", config.group, "--topic", config.topic],
      "--from-beginning",
      ...["--command-property", `group.protocol=${protocol}`, "--command-property", "auto.commit.interval.ms=100"],
      ...(protocol === "consumer"
        ? []
        : [
            ...["--command-property", `session.timeout.ms=${config.sessionTimeoutMs}`],
            ...["--command-property", `heartbeat.interval.ms=${config.heartbeatIntervalMs}`],
          ]),
      ...["partition=true", "offset=true", "value=false"].flatMap(what => ["--formatter-property", `print.${what}`]),
    ],
    parse: consoleConsumerLines(),
    leaveSignal: "SIGTERM",
  })),
});

export const franzGo = (protocol: GroupProtocol): GroupClient => ({
  name: "franz-go",
  protocol,
  // v1.22 says a static member's good-bye (epoch -2) without its instance id, which Kafka and we refuse: its name stays taken until its session ends.
  isStatic: protocol === "classic",
  saysCommits: true,
  missing: () => (spawnSync("go", ["version"]).status === 0 ? null : "Go is not installed"),
  prepare: () => void franzGoMember(),
  launch: eachAlone(config => ({ command: franzGoMember(), args: [told(config)] })),
});

/** Our own command line. */
export const samsaConsume: GroupClient = {
  name: "samsa consume --group",
  protocol: "consumer",
  isStatic: false,
  saysCommits: false,
  missing: () => null,
  prepare: () => {},
  launch: eachAlone(config => ({
    command: process.execPath,
    args: [
      ...[here("../../dist/src/cli/main.js"), "consume", config.topic, "--bootstrap-server", config.bootstrap],
      ...["--group", config.group, "--from", "earliest", "--print", "partition,offset"],
    ],
    parse: samsaConsumeLines,
    leaveSignal: "SIGTERM",
  })),
};

function eachAlone(command: (config: MemberConfig) => MemberCommand): GroupClient["launch"] {
  return (config, count) => Array.from({ length: count }, () => ({ ...command(config), members: 1 }));
}

function told(config: MemberConfig): string {
  return JSON.stringify(config);
}

function here(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url));
}

// --- What is installed or built once, into a cache outside the repository

function pythonMissing(): string | null {
  return spawnSync("python3", ["-m", "venv", "--help"]).status === 0 ? null : "Python 3 with venv is not installed";
}

/** A Python with the packages of `members/requirements.txt`. */
function pythonOfTests(): string {
  const requirements = here("members/requirements.txt");
  const folder = cached("python", [requirements], folder => {
    run("python3", ["-m", "venv", folder]);
    run(join(folder, "bin/python"), ["-m", "pip", "install", "--quiet", "-r", requirements]);
  });
  return join(folder, "bin/python");
}

function javaMembers(): string {
  const source = here("members/KafkaMembers.java");
  return cached("java-members", [source], folder => run("javac", ["-cp", kafkaClassPath(), "-d", folder, source]));
}

function franzGoMember(): string {
  const source = here("franz-go");
  const sources = ["main.go", "go.mod", "go.sum"].map(name => join(source, name));
  const built = cached("franz-go", sources, folder =>
    run("go", ["-C", source, "build", "-o", join(folder, "member"), "."]),
  );
  return join(built, "member");
}

/** A folder of the cache that holds what `make` put there; made again when one of `sources` differs. */
function cached(name: string, sources: readonly string[], make: (folder: string) => void): string {
  const hash = createHash("sha256");
  for (const source of sources) hash.update(readFileSync(source));
  const folder = join(CACHE, `${name}-${hash.digest("hex").slice(0, 16)}`);
  if (existsSync(join(folder, "complete"))) return folder;
  // What was cut short is begun anew. A virtual environment knows its own path, so it is made where it stays.
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  make(folder);
  mkdirSync(join(folder, "complete"));
  return folder;
}

function run(command: string, args: readonly string[]): void {
  execFileSync(command, args, { stdio: ["ignore", "ignore", "inherit"], timeout: INSTALL_LIMIT_MS });
}
