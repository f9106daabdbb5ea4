/**
 * `npm run test:kafkajs -- PATH [--nodes 3|1] [--all] [--keep] [FILE…]`: kafkajs's own test suite against Samsa.
 *
 * PATH is a checkout of kafkajs with its dependencies installed; it is not part of this repository. Brokers are started as the suite expects them,
 * its jest is run on the spec files that speak to a broker (FILE… are some of them; `--all` runs the rest as well, and what is left out), and each
 * failure is compared with left-out.ts. `--keep` leaves the brokers' logs and jest's results where they are. Exits with 1 when a test failed that
 * should pass.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { SuiteBrokers } from "./brokers.ts";
import { clientFaults, type LeftOut, leftOut, type Need, notBuilt } from "./left-out.ts";

/** What spec files use that need a broker: helpers that connect. */
const CONNECTS =
  /createCluster|connectionOpts|ConnectionOpts|plainTextBrokers|createConnectionPool|createTopic|saslEntries/;
/** As kafkajs's own CI has it. */
const RETRIES = "2";
const WORKERS = "4";

interface JestResults {
  readonly testResults: readonly {
    readonly name: string;
    readonly message: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: "passed" | "failed" | "pending" | "todo";
      readonly failureMessages: readonly string[] | null;
    }[];
  }[];
}

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    nodes: { type: "string", default: "3" },
    all: { type: "boolean", default: false },
    keep: { type: "boolean", default: false },
  },
});
const [path, ...chosen] = positionals;
if (path === undefined || !["1", "3"].includes(options.nodes)) {
  console.error("usage: npm run test:kafkajs -- PATH [--nodes 3|1] [--all] [--keep] [FILE…]");
  process.exit(2);
}
const checkout = resolve(path);
const jest = join(checkout, "node_modules/jest/bin/jest.js");
if (!existsSync(jest)) {
  console.error(`${checkout} is no checkout of kafkajs with its dependencies installed`);
  process.exit(2);
}
const nodes = options.nodes === "3" ? 3 : 1;
const missing = new Set<Need>(notBuilt);
if (nodes === 1) missing.add("brokers");
const skipped = options.all ? [] : leftOut.filter(({ needs }) => missing.has(needs));

const folder = mkdtempSync(join(tmpdir(), "samsa-kafkajs-"));
const brokers = await SuiteBrokers.start(folder, nodes);
let problems: string[];
try {
  const results = await runJest(filesToRun(), skipped);
  problems = report(results);
  if (!brokers.areRunning) problems.push("a broker exited");
} finally {
  await brokers.stop();
  if (options.keep) console.log(`logs and results are in ${folder}`);
  else rmSync(folder, { recursive: true, force: true });
}
for (const problem of problems) console.error(problem);
process.exit(problems.length === 0 ? 0 : 1);

function filesToRun(): string[] {
  const specs = globSync("src/**/*.spec.js", { cwd: checkout }).sort();
  const whole = new Set(skipped.filter(({ tests }) => tests === undefined).map(({ file }) => file));
  return specs.filter(file => {
    if (chosen.length > 0) return chosen.some(part => file.includes(part));
    if (whole.has(file)) return false;
    return options.all || CONNECTS.test(readFileSync(join(checkout, file), "utf8"));
  });
}

async function runJest(files: readonly string[], without: readonly LeftOut[]): Promise<JestResults> {
  const output = join(folder, "results.json");
  const names = without.flatMap(({ tests = [] }) => tests);
  const pattern = names.length === 0 ? [] : ["--testNamePattern", `^(?!(?:${names.map(escaped).join("|")}))`];
  const child = spawn(
    process.execPath,
    [
      jest,
      ...["--forceExit", "--maxWorkers", WORKERS, "--reporters", "default", "--json", "--outputFile", output],
      ...pattern,
      "--runTestsByPath",
      ...files,
    ],
    {
      cwd: checkout,
      stdio: ["ignore", "ignore", "inherit"],
      env: {
        ...process.env,
        PATH: `${withDocker()}${delimiter}${process.env.PATH}`,
        KAFKA_VERSION: "2.4",
        NODE_ENV: "test",
        KAFKAJS_DEBUG_PROTOCOL_BUFFERS: "1",
        TEST_RETRIES: RETRIES,
      },
    },
  );
  await once(child, "exit");
  return JSON.parse(readFileSync(output, "utf8"));
}

/** A folder with our stand-in for Docker. */
function withDocker(): string {
  const bin = join(folder, "bin");
  mkdirSync(bin);
  const standIn = fileURLToPath(new URL("docker.ts", import.meta.url));
  writeFileSync(join(bin, "docker"), `#!/bin/sh\nexec '${process.execPath}' '${standIn}' "$@"\n`, { mode: 0o755 });
  return bin;
}

/** Prints what came out; returns what should not have. */
function report({ testResults }: JestResults): string[] {
  const failures: string[] = [];
  let passed = 0;
  for (const { name, message, assertionResults } of testResults) {
    const file = name.slice(checkout.length + 1);
    if (assertionResults.length === 0) failures.push(`${file} did not run: ${message}`);
    for (const { fullName, status, failureMessages } of assertionResults) {
      if (status === "passed") passed += 1;
      if (status !== "failed") continue;
      const fault = clientFaults.find(known => known.file === file && fullName.startsWith(known.test));
      if (fault !== undefined) console.log(`known: ${file}: ${fullName}: ${fault.reason}`);
      else failures.push(`${file}: ${fullName}\n${failureMessages?.join("\n") ?? ""}`);
    }
  }
  const counts = new Map<Need, number>();
  for (const { needs } of skipped) counts.set(needs, (counts.get(needs) ?? 0) + 1);
  const reasons = [...counts].map(([need, count]) => `${count} for ${need}`).join(", ");
  console.log(
    `${testResults.length} files: ${passed} passing, ${failures.length} failing; left out: ${reasons || "none"}`,
  );
  return failures;
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
