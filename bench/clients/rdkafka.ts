/** A small program on librdkafka, compiled where a compiler and the library's headers are. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Client, SIZE_BYTES, timed } from "./client.ts";

const SOURCE = fileURLToPath(new URL("./rdkafka.c", import.meta.url));

let program: string | null = null;

export const rdkafka: Client = {
  name: "librdkafka",
  missing() {
    if (program !== null) return null;
    const target = join(mkdtempSync(join(tmpdir(), "samsa-bench-rdkafka-")), "rdkafka");
    const compiled = spawnSync("cc", ["-O2", "-o", target, SOURCE, "-lrdkafka"], { encoding: "utf8" });
    if (compiled.status !== 0) return "no C compiler with librdkafka's headers";
    program = target;
    return null;
  },
  produce: async (address, topic, records) =>
    secondsOf(["produce", address, topic, String(records), String(SIZE_BYTES)]),
  consume: async (address, topic, records) => secondsOf(["consume", address, topic, String(records)]),
};

function secondsOf(args: readonly string[]): number {
  return Number(execFileSync(program!, args, { encoding: "utf8", timeout: 300_000 }));
}

export const kcat: Client = {
  name: "kcat",
  missing: () => (spawnSync("kcat", ["-V"]).status === 0 ? null : "kcat is not installed"),
  async produce(address, topic, records) {
    const input = Buffer.alloc(records * (SIZE_BYTES + 1), "x");
    for (let at = SIZE_BYTES; at < input.length; at += SIZE_BYTES + 1) input[at] = 10;
    const settings = ["-X", "acks=all", "-X", "linger.ms=5", "-X", "queue.buffering.max.messages=1000000"];
    return timed(() => execFileSync("kcat", ["-P", "-b", address, "-t", topic, ...settings], { input, stdio: "pipe" }));
  },
  async consume(address, topic) {
    const args = ["-C", "-b", address, "-t", topic, "-e", "-q", "-f", "", "-X", "queued.min.messages=1000000"];
    return timed(() => execFileSync("kcat", args, { stdio: "ignore" }));
  },
};
