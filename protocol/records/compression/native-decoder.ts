/**
 * A decoder of `node:zlib` that is used again and again, and writes into memory that is used again.
 *
 * Node's synchronous calls make a context, a stream, a buffer for every 16 KiB, and one of all these for every payload: of 100 KiB they take
 * two to three times as long as the decoding does, and most of it in the garbage collector. What is used here instead is what these calls
 * consist of, the stream's handle, which Node does not document. So it is looked at before it is used, and only answers when all is well:
 * whoever gets null asks the documented call, which then also says what is wrong.
 *
 * @module
 */
import { constants, type createGunzip, type createZstdDecompress } from "node:zlib";
import { MAX_SCRATCH_BYTES, scratch } from "./scratch.ts";

interface Handle {
  onerror: (message: string, errorNumber: number, code: string) => void;
  reset(): void;
  writeSync(
    flush: number,
    input: Uint8Array,
    inputStart: number,
    inputBytes: number,
    output: Uint8Array,
    outputStart: number,
    outputBytes: number,
  ): void;
}

/** What a stream of `node:zlib` is inside. */
interface Internals {
  readonly _handle?: Partial<Handle> | null;
  /** Bytes of output left free and of input left unread by the last call. */
  readonly _writeState?: Uint32Array;
}

type Stream = ReturnType<typeof createGunzip> | ReturnType<typeof createZstdDecompress>;

interface Decoder {
  readonly stream: Stream;
  readonly handle: Handle;
  readonly state: Uint32Array;
}

export interface NativeDecoderOptions {
  readonly makeStream: () => Stream;
  /** Whether a decoder has to be made ready for the next payload, after one that it decoded to its end. */
  readonly resets: boolean;
}

export class NativeDecoder {
  readonly #options: NativeDecoderOptions;
  /** Null before its first use, and after a payload that was not decoded to its end. */
  #decoder: Decoder | null = null;
  #isUnknown = false;
  #hasFailed = false;

  constructor(options: NativeDecoderOptions) {
    this.#options = options;
  }

  /**
   * The content of `payload`, in memory that the next call of this or any other decoder overwrites. Null when it is for another to say what the
   * payload holds: it is damaged or cut, something follows its end, its content does not fit, or this Node's streams are not as expected.
   *
   * @param expectedBytes of the content; it may have more
   */
  decode(payload: Uint8Array, expectedBytes: number): Buffer | null {
    const decoder = this.#ready();
    if (decoder === null || expectedBytes >= MAX_SCRATCH_BYTES) return null;
    const { handle, state } = decoder;
    let output = scratch(expectedBytes + 1);
    let sizeBytes = 0;
    let unreadBytes = payload.length;
    for (;;) {
      const freeBytes = output.length - sizeBytes;
      const position = payload.length - unreadBytes;
      handle.writeSync(constants.Z_FINISH, payload, position, unreadBytes, output, sizeBytes, freeBytes);
      if (this.#hasFailed) return this.#drop();
      sizeBytes += freeBytes - state[0]!;
      unreadBytes = state[1]!;
      // With room left it has no more to give.
      if (state[0]! > 0) break;
      if (output.length >= MAX_SCRATCH_BYTES) return this.#drop();
      output = scratch(output.length * 2);
    }
    return unreadBytes === 0 ? output.subarray(0, sizeBytes) : this.#drop();
  }

  #ready(): Decoder | null {
    if (this.#decoder !== null) {
      if (this.#options.resets) this.#decoder.handle.reset();
    } else if (!this.#isUnknown) {
      this.#decoder = this.#make();
      this.#isUnknown = this.#decoder === null;
    }
    this.#hasFailed = false;
    return this.#decoder;
  }

  #make(): Decoder | null {
    const stream = this.#options.makeStream();
    const { _handle: handle, _writeState: state } = stream as unknown as Internals;
    if (typeof handle?.writeSync !== "function" || typeof handle.reset !== "function") return null;
    if (!(state instanceof Uint32Array) || state.length !== 2) return null;
    handle.onerror = () => {
      this.#hasFailed = true;
    };
    return { stream, handle: handle as Handle, state };
  }

  /** Lets go of a decoder that is in the midst of something. */
  #drop(): null {
    this.#decoder?.stream.destroy();
    this.#decoder = null;
    return null;
  }
}
