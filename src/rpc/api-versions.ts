/** Which versions of which APIs the other side of a connection speaks, and how it is asked (KIP-35, KIP-511). */
import { ApiVersions } from "../../protocol/apis/18-api-versions.ts";
import { Errors, errorName } from "../../protocol/errors.ts";
import { decodeResponse } from "../../protocol/frame.ts";
import type { Api, ResponseOf, VersionRange } from "../../protocol/schema.ts";
import { RpcError } from "./rpc-error.ts";

/** Ranges by API key. */
export type SupportedVersions = ReadonlyMap<number, VersionRange>;

/**
 * Decodes the answer to an ApiVersions request of `version`. One who does not know that version answers in version 0 with
 * UNSUPPORTED_VERSION and what it does know of ApiVersions, so the code is looked at first.
 */
export function decodeApiVersions(version: number, frame: Buffer): ResponseOf<typeof ApiVersions> {
  const errorCode = frame.length >= 6 ? frame.readInt16BE(4) : Errors.NONE;
  return decodeResponse(ApiVersions, errorCode === Errors.UNSUPPORTED_VERSION ? 0 : version, frame).body;
}

/** The version to ask again in after an UNSUPPORTED_VERSION: the newest that both sides know, by the answer if it says so. */
export function fallbackVersion(response: ResponseOf<typeof ApiVersions>): number {
  const range = response.apiKeys.find(({ apiKey }) => apiKey === ApiVersions.key);
  return range === undefined ? 0 : Math.min(range.maxVersion, ApiVersions.versions.max);
}

/** @throws RpcError `unsupported` when the answer is an error */
export function supportedVersions(response: ResponseOf<typeof ApiVersions>): SupportedVersions {
  if (response.errorCode !== Errors.NONE) {
    throw new RpcError("unsupported", `ApiVersions was answered by ${errorName(response.errorCode)}`);
  }
  return new Map(
    response.apiKeys.map(({ apiKey, minVersion, maxVersion }) => [apiKey, { min: minVersion, max: maxVersion }]),
  );
}

/**
 * The newest version of an API that both sides speak.
 *
 * @param limit narrows our side, for requests that need a field or must do without one
 * @throws RpcError `unsupported`
 */
export function commonVersion(api: Api, supported: SupportedVersions, limit: Partial<VersionRange> = {}): number {
  const theirs = supported.get(api.key);
  const min = Math.max(api.versions.min, limit.min ?? 0);
  const max = Math.min(api.versions.max, limit.max ?? Number.MAX_SAFE_INTEGER);
  const version = theirs === undefined ? -1 : Math.min(max, theirs.max);
  if (theirs === undefined || version < Math.max(min, theirs.min)) {
    const range = theirs === undefined ? "not at all" : `in versions ${theirs.min} to ${theirs.max}`;
    throw new RpcError(
      "unsupported",
      `${api.name} is wanted in versions ${min} to ${max}; the other side speaks it ${range}`,
    );
  }
  return version;
}
