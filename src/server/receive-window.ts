/**
 * One piece of memory that all connections of a broker read into, one after the other.
 *
 * Bytes in it are consumed before the read callback returns, so it never holds more than one connection's. What it saves is a fresh buffer for
 * every read: reused memory stays in the processor's cache.
 */
export class ReceiveWindow {
  readonly buffer: Buffer;
  /** Handed out when memory for requests is short: what a partial frame can leave behind is then little. */
  readonly small: Buffer;

  constructor(options: { readonly sizeBytes: number }) {
    this.buffer = Buffer.allocUnsafeSlow(options.sizeBytes);
    this.small = this.buffer.subarray(0, Math.min(SMALL_WINDOW_BYTES, options.sizeBytes));
  }
}

const SMALL_WINDOW_BYTES = 4 * 1024;
