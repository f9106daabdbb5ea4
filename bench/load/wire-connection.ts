/**
 * A connection of the load generator: sends prepared frames, and takes answers apart no further than their frames.
 *
 * It has to cost little, since it runs on the same cores as the broker under measurement: no promise and no object per request, and answers are
 * read where they stay, into memory that is used again and again.
 */
import { connect, type Socket } from "node:net";

const LENGTH_BYTES = 4;
const FIRST_CAPACITY_BYTES = 64 * 1024;

/** Takes an answer without its length. The bytes are valid during the call only. */
export type OnAnswer = (answer: Buffer) => void;

export class WireConnection {
  readonly #onAnswer: OnAnswer;
  #socket: Socket | null = null;
  #memory = Buffer.allocUnsafeSlow(FIRST_CAPACITY_BYTES);
  /** What has arrived and was not handed out lies in [start, end). */
  #start = 0;
  #end = 0;

  private constructor(onAnswer: OnAnswer) {
    this.#onAnswer = onAnswer;
  }

  /** `onClosed` is called when the other side closes; without it that is an error of the process. */
  static open(address: string, onAnswer: OnAnswer, onClosed?: () => void): Promise<WireConnection> {
    const separator = address.lastIndexOf(":");
    const [host, port] = [address.slice(0, separator), Number(address.slice(separator + 1))];
    const connection = new WireConnection(onAnswer);
    return new Promise((resolve, reject) => {
      const onread = {
        buffer: () => connection.#room(),
        callback: (sizeBytes: number) => connection.#received(sizeBytes),
      };
      const socket = connect({ host, port, noDelay: true, onread });
      connection.#socket = socket;
      socket.once("error", reject);
      socket.once("connect", () => {
        socket.off("error", reject);
        socket.on("error", error => {
          if (onClosed === undefined) throw error;
        });
        if (onClosed !== undefined) socket.once("close", onClosed);
        resolve(connection);
      });
    });
  }

  send(frame: Buffer): void {
    this.#socket!.write(frame);
  }

  close(): void {
    this.#socket!.destroy();
  }

  /** Where the next bytes go: all that is left behind what is there. */
  #room(): Buffer {
    return this.#memory.subarray(this.#end);
  }

  #received(sizeBytes: number): boolean {
    this.#end += sizeBytes;
    const memory = this.#memory;
    // What the answers set off leaves as one write.
    this.#socket!.cork();
    let neededBytes = LENGTH_BYTES;
    for (; this.#end - this.#start >= neededBytes; neededBytes = LENGTH_BYTES) {
      neededBytes = LENGTH_BYTES + memory.readInt32BE(this.#start);
      if (this.#end - this.#start < neededBytes) break;
      const from = this.#start + LENGTH_BYTES;
      this.#start += neededBytes;
      this.#onAnswer(memory.subarray(from, this.#start));
    }
    this.#socket!.uncork();
    this.#makeRoom(neededBytes);
    return true;
  }

  /** Has room for the rest of an answer of `neededBytes`. */
  #makeRoom(neededBytes: number): void {
    const heldBytes = this.#end - this.#start;
    if (heldBytes > 0 && this.#memory.length - this.#start >= neededBytes && this.#end < this.#memory.length) return;
    const isTooSmall = this.#memory.length < neededBytes;
    const memory = isTooSmall ? Buffer.allocUnsafeSlow(neededBytes * 2) : this.#memory;
    this.#memory.copy(memory, 0, this.#start, this.#end);
    this.#memory = memory;
    this.#start = 0;
    this.#end = heldBytes;
  }
}
