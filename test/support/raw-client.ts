/**
 * A client that says exactly what a test tells it to, byte by byte if need be, and hears what comes back.
 */
import net from "node:net";
import { decodeResponse, encodeRequest } from "../../protocol/frame.ts";
import type { Api, RequestInputOf, ResponseOf } from "../../protocol/schema.ts";

export class RawClient {
  readonly socket: net.Socket;
  #received = Buffer.alloc(0);
  #closed = false;
  #waiters: (() => void)[] = [];
  #correlationId = 0;

  private constructor(socket: net.Socket) {
    this.socket = socket;
    socket.on("data", chunk => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#wake();
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      this.#closed = true;
      this.#wake();
    });
  }

  static connect({ host, port }: { host: string; port: number }): Promise<RawClient> {
    return new Promise((resolve, reject) => {
      const socket = net.connect({ host, port, noDelay: true });
      socket.once("error", reject);
      socket.once("connect", () => {
        socket.off("error", reject);
        resolve(new RawClient(socket));
      });
    });
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** Bytes that came and belong to no frame taken yet. */
  get bufferedBytes(): number {
    return this.#received.length;
  }

  write(bytes: Buffer): void {
    this.socket.write(bytes);
  }

  /** Sends a request and returns its correlation id. */
  send<A extends Api>(api: A, version: number, body: RequestInputOf<A>): number {
    const correlationId = ++this.#correlationId;
    this.write(requestBytes(api, version, correlationId, body));
    return correlationId;
  }

  /** The next frame, without its length; null when the connection was closed before it came whole. */
  async frame(): Promise<Buffer | null> {
    for (;;) {
      if (this.#received.length >= 4) {
        const end = 4 + this.#received.readInt32BE(0);
        if (this.#received.length >= end) {
          const frame = this.#received.subarray(4, end);
          this.#received = this.#received.subarray(end);
          return frame;
        }
      }
      if (this.#closed) return null;
      await new Promise<void>(resolve => this.#waiters.push(resolve));
    }
  }

  /** The next response, which must be one of `api`. Throws when the connection closes instead. */
  async receive<A extends Api>(api: A, version: number): Promise<{ correlationId: number; body: ResponseOf<A> }> {
    const frame = await this.frame();
    if (frame === null) throw new Error("the connection was closed");
    return decodeResponse(api, version, frame);
  }

  async request<A extends Api>(api: A, version: number, body: RequestInputOf<A>): Promise<ResponseOf<A>> {
    const correlationId = this.send(api, version, body);
    const response = await this.receive(api, version);
    if (response.correlationId !== correlationId) {
      throw new Error(`answer ${response.correlationId} to request ${correlationId}`);
    }
    return response.body;
  }

  /** Resolves when the other side has closed the connection. */
  async closed(): Promise<void> {
    while (!this.#closed) await new Promise<void>(resolve => this.#waiters.push(resolve));
  }

  close(): void {
    this.socket.destroy();
  }

  #wake(): void {
    for (const waiter of this.#waiters.splice(0)) waiter();
  }
}

export function requestBytes<A extends Api>(
  api: A,
  version: number,
  correlationId: number,
  body: RequestInputOf<A>,
): Buffer {
  return Buffer.concat(encodeRequest(api, version, correlationId, "test", body));
}
