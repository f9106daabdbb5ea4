/** Samsa from `dist/`, with its defaults: fdatasync before every acks=all answer. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePortPair } from "../../compat-tests/support/broker-process.ts";
import { firstAnswer } from "./first-answer.ts";
import type { System } from "./system.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

export interface SamsaOptions {
  readonly overrides?: Readonly<Record<string, string>>;
  readonly nodeFlags?: readonly string[];
  readonly name?: string;
}

export async function startSamsa(dataRoot: string, options: SamsaOptions = {}): Promise<System> {
  const port = await freePortPair();
  const dataDir = mkdtempSync(join(dataRoot, "samsa-"));
  const overrides = Object.entries(options.overrides ?? {}).flatMap(([key, value]) => [
    "--override",
    `${key}=${value}`,
  ]);
  const started = performance.now();
  const child: ChildProcess = spawn(
    process.execPath,
    [
      ...(options.nodeFlags ?? []),
      join(ROOT, "dist/src/cli/main.js"),
      "start",
      ...["--port", String(port), "--data-dir", dataDir, "--log-level", "warn"],
      ...overrides,
    ],
    { stdio: ["ignore", "ignore", "inherit"] },
  );
  await firstAnswer("127.0.0.1", port, 30_000, () => child.exitCode === null);
  const startMs = performance.now() - started;
  const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  return {
    name: options.name ?? "Samsa",
    description: `Samsa ${version}, Node ${process.versions.node}, fdatasync before every acks=all answer`,
    address: `127.0.0.1:${port}`,
    pid: child.pid!,
    startMs,
    async stop() {
      const exited = once(child, "exit");
      child.kill("SIGTERM");
      await exited;
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}
