/**
 * Apache Kafka's own codecs, in a JVM of their own.
 *
 * ```ts
 * const kafka = KafkaCodec.start();
 * const content = await kafka.decompress("lz4", payload);
 * kafka.stop();
 * ```
 *
 * One call at a time.
 */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { kafkaClassPath } from "./kafka-tools.ts";

const SOURCE = fileURLToPath(new URL("KafkaCodec.java", import.meta.url));
const JAVA_FLAGS = ["-Xmx512m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto"];

export type KafkaCodecName = "gzip" | "snappy" | "lz4" | "zstd";
/** Of LZ4 frames, as the library names them. */
export type Lz4BlockSize = "SIZE_64KB" | "SIZE_256KB" | "SIZE_1MB" | "SIZE_4MB";
export type Lz4Flag = "BLOCK_INDEPENDENCE" | "BLOCK_CHECKSUM" | "CONTENT_CHECKSUM" | "CONTENT_SIZE";

/** Kafka refused the bytes; the message is its exception. */
export class KafkaCodecError extends Error {
  override readonly name = "KafkaCodecError";
}

export class KafkaCodec {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  #received: Buffer[] = [];
  #receivedBytes = 0;
  #errors = "";
  #waiter: (() => void) | null = null;

  private constructor(child: ChildProcessByStdio<Writable, Readable, Readable>) {
    this.#child = child;
    child.stdout.on("data", (chunk: Buffer) => {
      this.#received.push(chunk);
      this.#receivedBytes += chunk.length;
      this.#waiter?.();
    });
    child.stderr.on("data", (chunk: Buffer) => (this.#errors += chunk.toString("utf8")));
    child.on("exit", () => this.#waiter?.());
  }

  static start(): KafkaCodec {
    const args = [...JAVA_FLAGS, "-cp", kafkaClassPath(), SOURCE];
    return new KafkaCodec(spawn("java", args, { stdio: ["pipe", "pipe", "pipe"] }));
  }

  compress(codec: KafkaCodecName, content: Buffer): Promise<Buffer> {
    return this.#ask("c", codec, content);
  }

  /** What Kafka's consumers read. Rejects with {@link KafkaCodecError}. */
  decompress(codec: KafkaCodecName, payload: Buffer): Promise<Buffer> {
    return this.#ask("d", codec, payload);
  }

  /** An LZ4 frame of any shape, by the library that Kafka builds on. */
  lz4Frame(content: Buffer, blockSize: Lz4BlockSize, flags: readonly Lz4Flag[]): Promise<Buffer> {
    return this.#ask("f", [blockSize, ...flags].join(" "), content);
  }

  stop(): void {
    this.#child.stdin.end();
  }

  async #ask(letter: string, word: string, input: Buffer): Promise<Buffer> {
    const head = Buffer.alloc(7 + word.length);
    head.write(letter, 0);
    head.writeUInt16BE(word.length, 1);
    head.write(word, 3);
    head.writeInt32BE(input.length, 3 + word.length);
    this.#child.stdin.write(head);
    this.#child.stdin.write(input);
    const sizeBytes = (await this.#take(4)).readInt32BE();
    if (sizeBytes >= 0) return this.#take(sizeBytes);
    const messageBytes = (await this.#take(2)).readUInt16BE();
    throw new KafkaCodecError((await this.#take(messageBytes)).toString("utf8"));
  }

  async #take(sizeBytes: number): Promise<Buffer> {
    while (this.#receivedBytes < sizeBytes) {
      if (this.#child.exitCode !== null) throw new Error(`Kafka's codecs ended:\n${this.#errors}`);
      await new Promise<void>(resolve => {
        this.#waiter = resolve;
      });
    }
    const all = Buffer.concat(this.#received);
    const rest = all.subarray(sizeBytes);
    this.#received = [rest];
    this.#receivedBytes = rest.length;
    return all.subarray(0, sizeBytes);
  }
}
