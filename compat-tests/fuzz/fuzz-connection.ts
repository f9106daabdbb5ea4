/** Sends inputs to the broker, and learns from answers and closings what became of each. */
import { connect, type Socket } from "node:net";
import { ApiVersions } from "../../protocol/apis/18-api-versions.ts";
import { encodeRequest } from "../../protocol/frame.ts";

/** `answered`: the connection lived on; `closed`: the broker closed it; `parked`: neither within the time given. */
export type Outcome = "answered" | "closed" | "parked";

const SENTINEL_CORRELATION_ID = 0x5a45_4e44;
const SENTINEL = Buffer.concat(
  encodeRequest(ApiVersions, 0, SENTINEL_CORRELATION_ID, "fuzz", { clientSoftwareName: "", clientSoftwareVersion: "" }),
);

/** Whether the broker can take `bytes` apart into frames. It would wait for the rest of a frame; we hang up instead. */
function isWhole(bytes: Buffer): boolean {
  let at = 0;
  while (at < bytes.length) {
    if (bytes.length - at < 4) return false;
    const sizeBytes = bytes.readInt32BE(at);
    if (sizeBytes < 0) return true;
    at += 4 + sizeBytes;
  }
  return at === bytes.length;
}

export class FuzzConnection {
  readonly #host: string;
  readonly #port: number;
  readonly #patienceMs: number;
  #socket: Socket | null = null;
  #received: Buffer = Buffer.alloc(0);
  #settle: ((outcome: Outcome) => void) | null = null;

  constructor(host: string, port: number, patienceMs: number) {
    this.#host = host;
    this.#port = port;
    this.#patienceMs = patienceMs;
  }

  /** Sends `bytes` and then a good request; resolves when that is answered, or never can be. */
  async send(bytes: Buffer): Promise<Outcome> {
    this.#socket ??= await this.#open();
    const socket = this.#socket;
    const outcome = await new Promise<Outcome>(resolve => {
      const patience = setTimeout(() => resolve("parked"), this.#patienceMs);
      this.#settle = settled => {
        clearTimeout(patience);
        resolve(settled);
      };
      if (socket.destroyed) this.#settle("closed");
      else if (isWhole(bytes)) socket.write(Buffer.concat([bytes, SENTINEL]));
      else socket.end(bytes);
    });
    this.#settle = null;
    if (outcome !== "answered") this.close();
    return outcome;
  }

  close(): void {
    this.#socket?.destroy();
    this.#socket = null;
  }

  #open(): Promise<Socket> {
    this.#received = Buffer.alloc(0);
    return new Promise((resolve, reject) => {
      const socket = connect(this.#port, this.#host, () => resolve(socket));
      socket.setNoDelay(true);
      socket.on("data", chunk => this.#data(chunk));
      socket.on("error", reject);
      socket.on("close", () => this.#settle?.("closed"));
    });
  }

  #data(chunk: Buffer): void {
    let received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    while (received.length >= 8) {
      const sizeBytes = received.readInt32BE(0);
      if (received.length < 4 + sizeBytes) break;
      if (received.readInt32BE(4) === SENTINEL_CORRELATION_ID) this.#settle?.("answered");
      received = received.subarray(4 + sizeBytes);
    }
    this.#received = received;
  }
}
