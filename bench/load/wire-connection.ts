/**
 * A connection of the load generator: sends prepared frames, and takes answers apart no further than their frames.
 *
 * It has to cost little, since it runs on the same cores as the broker under measurement: no promise and no object per request.
 */
import { connect, type Socket } from "node:net";

const LENGTH_BYTES = 4;

export type OnAnswer = (answer: Buffer) => void;

export class WireConnection {
  readonly #socket: Socket;
  readonly #onAnswer: OnAnswer;
  #chunks: Buffer[] = [];
  #bufferedBytes = 0;
  #neededBytes = LENGTH_BYTES;

  private constructor(socket: Socket, onAnswer: OnAnswer) {
    this.#socket = socket;
    this.#onAnswer = onAnswer;
    socket.setNoDelay(true);
    socket.on("data", chunk => this.#received(chunk));
    socket.on("error", error => {
      throw error;
    });
  }

  static open(address: string, onAnswer: OnAnswer): Promise<WireConnection> {
    const [host, port] = address.split(":");
    return new Promise((resolve, reject) => {
      const socket = connect(Number(port), host, () => {
        socket.off("error", reject);
        resolve(new WireConnection(socket, onAnswer));
      });
      socket.once("error", reject);
    });
  }

  send(frame: Buffer): void {
    this.#socket.write(frame);
  }

  close(): void {
    this.#socket.destroy();
  }

  #received(chunk: Buffer): void {
    if (this.#bufferedBytes === 0) chunk = this.#takeWhole(chunk);
    if (chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.#bufferedBytes += chunk.length;
    if (this.#bufferedBytes < this.#neededBytes) return;
    const joined = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks, this.#bufferedBytes);
    this.#chunks = [];
    this.#bufferedBytes = 0;
    const rest = this.#takeWhole(joined);
    if (rest.length === 0) return;
    this.#chunks.push(rest);
    this.#bufferedBytes = rest.length;
  }

  /** Hands out the answers that lie whole in `bytes`; returns what is left over. */
  #takeWhole(bytes: Buffer): Buffer {
    let at = 0;
    // What the answers set off leaves as one write.
    this.#socket.cork();
    while (bytes.length - at >= LENGTH_BYTES) {
      const sizeBytes = bytes.readInt32BE(at);
      if (bytes.length - at < LENGTH_BYTES + sizeBytes) {
        this.#neededBytes = LENGTH_BYTES + sizeBytes;
        break;
      }
      this.#onAnswer(bytes.subarray(at + LENGTH_BYTES, at + LENGTH_BYTES + sizeBytes));
      at += LENGTH_BYTES + sizeBytes;
      this.#neededBytes = LENGTH_BYTES;
    }
    this.#socket.uncork();
    return bytes.subarray(at);
  }
}
