/**
 * Apache Kafka's own tools, run by Java from the artifacts that Maven Central serves. They are fetched once into a cache outside the repository.
 *
 * Without Java or Maven the tests that need them are skipped with a word; with `TEST_REQUIRE_KAFKA=1` (CI) they fail instead.
 */
import { execFile, execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, renameSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);

export const KAFKA_VERSION = "4.3.1";
const POM = fileURLToPath(new URL("../../bench/kafka/pom.xml", import.meta.url));
const CACHE = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "samsa", `kafka-${KAFKA_VERSION}`);
const LIBS = join(CACHE, "libs");

/** Why Kafka's tools cannot run here, or null when they can. */
export function kafkaToolsMissing(): string | null {
  if (spawnSync("java", ["-version"]).status !== 0) return "Java 17 or later is not installed";
  const home = process.env.TEST_KAFKA_HOME;
  if (home !== undefined) return existsSync(join(home, "libs")) ? null : `${home} holds no Apache Kafka`;
  if (!hasLibs() && spawnSync("mvn", ["-version"]).status !== 0) return "Maven is not installed";
  return null;
}

/** The class path of Apache Kafka: of the one unpacked in `TEST_KAFKA_HOME`, else fetched on first use. */
export function kafkaClassPath(): string {
  if (process.env.TEST_KAFKA_HOME !== undefined) return join(process.env.TEST_KAFKA_HOME, "libs", "*");
  if (!hasLibs()) fetchLibs();
  return join(LIBS, "*");
}

/** Skips the suite when Kafka's tools cannot run, unless they are required. To be called in a `before` hook. */
export function requireKafkaTools(suite: Mocha.Context): void {
  const reason = kafkaToolsMissing();
  if (reason === null) return void kafkaClassPath();
  if (process.env.TEST_REQUIRE_KAFKA === "1") throw new Error(reason);
  console.log(`      skipped: ${reason}`);
  suite.skip();
}

export interface ToolOutput {
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one of Kafka's main classes to its end; rejects with its output when it exits with another code than 0. */
export async function kafkaTool(mainClass: string, args: readonly string[], input?: string): Promise<ToolOutput> {
  const child = run("java", [...JAVA_FLAGS, "-cp", kafkaClassPath(), mainClass, ...args], {
    maxBuffer: 2 ** 30,
    timeout: 120_000,
  });
  child.child.stdin?.end(input ?? "");
  return await child;
}

/** Quick to start rather than quick to run, as fits tools that live a second. */
const JAVA_FLAGS = ["-Xmx512m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto"];

function hasLibs(): boolean {
  return existsSync(LIBS) && readdirSync(LIBS).length > 0;
}

function fetchLibs(): void {
  // Into a folder of its own first, so that a fetch cut short is not taken for a whole one.
  const partial = `${LIBS}.${process.pid}`;
  mkdirSync(CACHE, { recursive: true });
  execFileSync("mvn", ["-q", "-B", "-f", POM, "dependency:copy-dependencies", `-DoutputDirectory=${partial}`], {
    stdio: "inherit",
    timeout: 300_000,
  });
  if (!hasLibs()) renameSync(partial, LIBS);
}
