/**
 * Frames: a four-byte length, a header, a body.
 *
 * Encoders give a list of chunks for one vectored write, with the length patched into the first. Decoders of requests work on a
 * {@link Reader} over what follows the length, so that a server can look at the header before it decides what to do with the body.
 */
import { apiByKey } from "./apis/index.ts";
import { decoderOf, encoderOf } from "./compile.ts";
import { RequestHeader, ResponseHeader } from "./header.ts";
import { Reader } from "./reader.ts";
import {
  type Api,
  type InputOf,
  includesVersion,
  type Message,
  type RequestInputOf,
  type RequestOf,
  type ResponseInputOf,
  type ResponseOf,
} from "./schema.ts";
import { Writer } from "./writer.ts";

export const FRAME_LENGTH_SIZE_BYTES = 4;

const API_VERSIONS_KEY = 18;

/** The version of the header before a request. */
export function requestHeaderVersion(api: Pick<Api, "flexible">, version: number): number {
  return includesVersion(api.flexible, version) ? 2 : 1;
}

/** The version of the header before a response: always 0 for ApiVersions, which a client reads before it knows the broker. */
export function responseHeaderVersion(api: Pick<Api, "key" | "flexible">, version: number): number {
  return api.key !== API_VERSIONS_KEY && includesVersion(api.flexible, version) ? 1 : 0;
}

/** A whole request frame. Throws what {@link encoderOf} throws. */
export function encodeRequest<A extends Api>(
  api: A,
  version: number,
  correlationId: number,
  clientId: string | null,
  body: RequestInputOf<A>,
): Buffer[] {
  const writer = new Writer();
  writer.int32(0);
  const header = { requestApiKey: api.key, requestApiVersion: version, correlationId, clientId };
  encoderOf(RequestHeader, requestHeaderVersion(api, version))(writer, header);
  encoderOf<Message>(api.request, version)(writer, body as InputOf<Message>);
  return finishFrame(writer);
}

/** A whole response frame. Throws what {@link encoderOf} throws. */
export function encodeResponse<A extends Api>(
  api: A,
  version: number,
  correlationId: number,
  body: ResponseInputOf<A>,
): Buffer[] {
  const writer = new Writer();
  writer.int32(0);
  encoderOf(ResponseHeader, responseHeaderVersion(api, version))(writer, { correlationId });
  encoderOf<Message>(api.response, version)(writer, body as InputOf<Message>);
  return finishFrame(writer);
}

/** What stands before a request's body. */
export interface DecodedRequestHeader {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly correlationId: number;
  readonly clientId: string | null;
}

/**
 * Reads the header of a request and leaves the reader at the body.
 *
 * A key or version that there is no schema for is no error here: the header is then read up to the client id, which is the same in all
 * header versions, and the reader is left there.
 *
 * @param reader over what follows the frame's length
 * @throws MalformedError
 */
export function decodeRequestHeader(reader: Reader): DecodedRequestHeader {
  const apiKey = reader.int16();
  const apiVersion = reader.int16();
  const correlationId = reader.int32();
  const clientId = reader.nullableString();
  const api = apiByKey(apiKey);
  const isKnown = api !== undefined && includesVersion(api.versions, apiVersion);
  if (isKnown && requestHeaderVersion(api, apiVersion) === 2) reader.skipTags();
  return { apiKey, apiVersion, correlationId, clientId };
}

/** Reads the body of a request; it must end where the reader ends. Throws MalformedError, UnsupportedVersionError. */
export function decodeRequest<A extends Api>(api: A, version: number, reader: Reader): RequestOf<A> {
  const body = decoderOf<Message>(api.request, version)(reader);
  reader.expectEnd();
  return body as RequestOf<A>;
}

/**
 * Reads a response.
 *
 * @param buffer what follows the frame's length
 * @throws MalformedError, UnsupportedVersionError
 */
export function decodeResponse<A extends Api>(
  api: A,
  version: number,
  buffer: Buffer,
): { correlationId: number; body: ResponseOf<A> } {
  const reader = new Reader(buffer);
  const { correlationId } = decoderOf(ResponseHeader, responseHeaderVersion(api, version))(reader);
  const body = decoderOf<Message>(api.response, version)(reader);
  reader.expectEnd();
  return { correlationId, body: body as ResponseOf<A> };
}

/** Patches the length in and gives the chunks. */
function finishFrame(writer: Writer): Buffer[] {
  const { sizeBytes } = writer;
  const chunks = writer.finish();
  chunks[0].writeInt32BE(sizeBytes - FRAME_LENGTH_SIZE_BYTES, 0);
  return chunks;
}
