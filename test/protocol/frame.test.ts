import { isDeepStrictEqual } from "node:util";
import { expect } from "chai";
import { apiByKey } from "../../protocol/apis/index.ts";
import { exactDecoderOf } from "../../protocol/compile.ts";
import { Errors } from "../../protocol/errors.ts";
import {
  decodeRequest,
  decodeRequestHeader,
  decodeResponse,
  encodeRequest,
  encodeResponse,
  FRAME_LENGTH_SIZE_BYTES,
  requestHeaderVersion,
  responseHeaderVersion,
} from "../../protocol/frame.ts";
import { ApiVersions, Fetch, Heartbeat, Produce, SaslHandshake } from "../../protocol/index.ts";
import { interpretedDecoder, interpretedEncoder } from "../../protocol/interpret.ts";
import { MalformedError, Reader } from "../../protocol/reader.ts";
import type { Api } from "../../protocol/schema.ts";
import { Writer } from "../../protocol/writer.ts";
import { expectedStruct, type JsonObject } from "./expected-values.ts";
import { fixtureNames, readFixtureLines } from "./messages.ts";

interface Exchange {
  api: string;
  /** Left out where all exchanges are ApiVersions. */
  key?: number;
  version: number;
  requestHex: string;
  responseHex: string | null;
}

interface FrameVector {
  kind: "request" | "response";
  api: string;
  key: number;
  version: number;
  headerVersion: number;
  correlationId: number;
  clientId: string | null;
  body: JsonObject;
  headerHex: string;
  frameHex: string;
}

describe("frames", () => {
  it("of Kafka's own classes have the header and body that Kafka gives, and encode to the same bytes", () => {
    for (const vector of readFixtureLines<FrameVector>("vectors/frames.jsonl.gz")) checkFrameVector(vector);
  });

  for (const file of ["vectors/apiversions.jsonl.gz", ...fixtureNames("captures").map(name => `captures/${name}`)]) {
    it(`of ${file} decode and encode to the same bytes`, () => {
      for (const exchange of readFixtureLines<Exchange>(file)) checkExchange(exchange);
    });
  }

  it("carry the length of what follows it", () => {
    const frame = Buffer.concat(encodeRequest(Heartbeat, 4, 7, "me", { groupId: "g", generationId: 1, memberId: "m" }));
    expect(frame.readInt32BE(0)).to.equal(frame.length - FRAME_LENGTH_SIZE_BYTES);
  });

  it("splice large record batches in without a copy", () => {
    const batch = Buffer.alloc(5000, 7);
    const chunks = encodeRequest(Produce, 9, 1, null, {
      acks: -1,
      timeoutMs: 1000,
      topicData: [
        { name: "t", topicId: "AAAAAAAAAAAAAAAAAAAAAA", partitionData: [{ index: 0, records: [batch, batch] }] },
      ],
    });
    expect(chunks.filter(chunk => chunk === batch)).to.have.length(2);
    const frame = Buffer.concat(chunks);
    expect(frame.readInt32BE(0)).to.equal(frame.length - FRAME_LENGTH_SIZE_BYTES);
  });
});

describe("request headers", () => {
  it("are read up to the client id when the key or the version is not known", () => {
    for (const [key, version] of [
      [9999, 0],
      [18, 99],
      [0, -1],
    ]) {
      const bytes = Buffer.alloc(12);
      bytes.writeInt16BE(key, 0);
      bytes.writeInt16BE(version, 2);
      bytes.writeInt32BE(42, 4);
      bytes.writeInt16BE(2, 8);
      bytes.write("me", 10);
      const reader = new Reader(bytes);
      const header = { apiKey: key, apiVersion: version, correlationId: 42, clientId: "me" };
      expect(decodeRequestHeader(reader)).to.deep.equal(header);
      expect(reader.remaining).to.equal(0);
    }
  });

  it("skip tagged fields in flexible versions", () => {
    const frame = Buffer.concat(
      encodeRequest(ApiVersions, 3, 1, null, { clientSoftwareName: "", clientSoftwareVersion: "" }),
    );
    const tagged = Buffer.concat([frame.subarray(4, 14), Buffer.from([1, 9, 2, 0xaa, 0xbb]), frame.subarray(15)]);
    const reader = new Reader(tagged);
    expect(decodeRequestHeader(reader).clientId).to.equal(null);
    expect(decodeRequest(ApiVersions, 3, reader)).to.deep.equal({ clientSoftwareName: "", clientSoftwareVersion: "" });
  });

  it("that end too early are malformed", () => {
    const frame = Buffer.concat(encodeRequest(Heartbeat, 4, 1, "me", { groupId: "", generationId: 1, memberId: "" }));
    for (let sizeBytes = 0; sizeBytes < 15; sizeBytes++) {
      const reader = new Reader(frame.subarray(4, 4 + sizeBytes));
      if (sizeBytes < 13) expect(() => decodeRequestHeader(reader), `${sizeBytes} bytes`).to.throw(MalformedError);
    }
  });
});

describe("header versions", () => {
  it("follow the flexible versions", () => {
    expect(requestHeaderVersion(Fetch, 11)).to.equal(1);
    expect(requestHeaderVersion(Fetch, 12)).to.equal(2);
    expect(responseHeaderVersion(Fetch, 11)).to.equal(0);
    expect(responseHeaderVersion(Fetch, 12)).to.equal(1);
    expect(requestHeaderVersion(SaslHandshake, 1)).to.equal(1);
  });

  it("are always 0 in the responses of ApiVersions", () => {
    expect(requestHeaderVersion(ApiVersions, 4)).to.equal(2);
    expect(responseHeaderVersion(ApiVersions, 4)).to.equal(0);
  });
});

describe("requests and responses", () => {
  it("with bytes left over are malformed", () => {
    const response = Buffer.concat([
      ...encodeResponse(Heartbeat, 4, 1, { throttleTimeMs: 0, errorCode: 0 }),
      Buffer.of(0),
    ]);
    expect(() => decodeResponse(Heartbeat, 4, response.subarray(4))).to.throw(MalformedError, "1 bytes too many");
    const reader = new Reader(Buffer.of(0, 0, 0));
    expect(() => decodeRequest(ApiVersions, 0, reader)).to.throw(MalformedError, "3 bytes too many");
  });
});

function checkFrameVector(vector: FrameVector): void {
  const api = apiOf(vector.key);
  const frame = Buffer.from(vector.frameHex, "hex");
  const bodyStart = FRAME_LENGTH_SIZE_BYTES + vector.headerHex.length / 2;
  const isRequest = vector.kind === "request";
  const headerVersion = isRequest ? requestHeaderVersion : responseHeaderVersion;
  const name = `${vector.api} v${vector.version}`;
  expect(headerVersion(api, vector.version), name).to.equal(vector.headerVersion);
  const reader = new Reader(frame, FRAME_LENGTH_SIZE_BYTES);
  if (isRequest) {
    expect(decodeRequestHeader(reader), name).to.deep.equal({
      apiKey: vector.key,
      apiVersion: vector.version,
      correlationId: vector.correlationId,
      clientId: vector.clientId,
    });
    expect(reader.position, name).to.equal(bodyStart);
  } else {
    expect(decodeResponse(api, vector.version, frame.subarray(4)).correlationId, name).to.equal(vector.correlationId);
    reader.position = bodyStart;
  }
  const schema = isRequest ? api.request : api.response;
  const body = exactDecoderOf(schema, vector.version)(reader);
  reader.expectEnd();
  const expected = expectedStruct(schema.fields, vector.body);
  if (!isDeepStrictEqual(body, expected)) expect(body, name).to.deep.equal(expected);
  // Some bodies hold unknown tagged fields, which only interpreted codecs keep.
  const options = { exact: true, keepUnknownTags: true };
  const writer = new Writer();
  const whole = interpretedDecoder(schema, vector.version, options)(new Reader(frame, bodyStart));
  interpretedEncoder(schema, vector.version, options)(writer, whole);
  expectHex(Buffer.concat(writer.finish()).toString("hex"), frame.subarray(bodyStart).toString("hex"), name);
}

function checkExchange({ api: name, key = ApiVersions.key, version, requestHex, responseHex }: Exchange): void {
  const what = `${name} v${version}`;
  const api = apiOf(key);
  const request = Buffer.from(requestHex, "hex");
  const reader = new Reader(request, FRAME_LENGTH_SIZE_BYTES);
  const header = decodeRequestHeader(reader);
  expect([header.apiKey, header.apiVersion], what).to.deep.equal([key, version]);
  const isUnsupported = version > api.versions.max;
  if (!isUnsupported) {
    const body = decodeRequest(api, version, reader);
    const again = encodeRequest(api, version, header.correlationId, header.clientId, body);
    expectHex(Buffer.concat(again).toString("hex"), requestHex, `request of ${what}`);
  }
  if (responseHex === null) return;
  const response = Buffer.from(responseHex, "hex").subarray(FRAME_LENGTH_SIZE_BYTES);
  // Only franz-go does this, with ApiVersions v5: the answer is an error in the form of v0.
  const responseVersion = isUnsupported ? 0 : version;
  const { correlationId, body } = decodeResponse(api, responseVersion, response);
  expect(correlationId, what).to.equal(header.correlationId);
  if (isUnsupported) expect(body, what).to.include({ errorCode: Errors.UNSUPPORTED_VERSION });
  const again = encodeResponse(api, responseVersion, correlationId, body);
  expectHex(Buffer.concat(again).toString("hex"), responseHex, `response of ${what}`);
}

function apiOf(key: number): Api {
  const api = apiByKey(key);
  if (api === undefined) throw new Error(`there is no API with key ${key}`);
  return api;
}

function expectHex(actual: string, expected: string, what: string): void {
  if (actual !== expected) expect(actual, what).to.equal(expected);
}
