/**
 * The headers that precede every request and response body.
 *
 * Request headers are v1, or v2 (which adds tagged fields) where the body is flexible. Response headers are v0, or v1
 * where the body is flexible; the ApiVersions response alone always has v0, since a client reads it before it knows
 * what the broker speaks.
 */
import { int16, int32, message, string, type ValueOf } from "./schema.ts";

/** The client id keeps its two-byte length in v2 too, so that any header can be read up to it. */
export const RequestHeader = message({
  name: "RequestHeader",
  versions: "1-2",
  flexible: "2+",
  fields: {
    requestApiKey: int16("0+"),
    requestApiVersion: int16("0+"),
    correlationId: int32("0+"),
    clientId: string("1+", { nullable: "1+", flexible: "none" }),
  },
});
export type RequestHeader = ValueOf<typeof RequestHeader>;

export const ResponseHeader = message({
  name: "ResponseHeader",
  versions: "0-1",
  flexible: "1+",
  fields: {
    correlationId: int32("0+"),
  },
});
export type ResponseHeader = ValueOf<typeof ResponseHeader>;
