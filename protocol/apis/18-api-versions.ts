/**
 * ApiVersions (18): tells which APIs and versions a broker speaks. The first request of most clients: a version that
 * the broker lacks is answered with UNSUPPORTED_VERSION in the form of v0, and the response header always is v0.
 *
 * - v1: throttle time (KIP-124).
 * - v2: the broker answers before it throttles (KIP-219).
 * - v3: flexible format (KIP-482); name and version of the client (KIP-511), features of the cluster (KIP-584).
 * - v4: supported features may have a lowest level of 0, which v3 must leave out.
 */
import { api, array, bool, int16, int32, int64, string } from "../schema.ts";

export const ApiVersions = api({
  key: 18,
  name: "ApiVersions",
  versions: "0-4",
  flexible: "3+",
  listeners: ["broker", "controller"],
  request: {
    clientSoftwareName: string("3+", { ignorable: true }),
    clientSoftwareVersion: string("3+", { ignorable: true }),
  },
  response: {
    errorCode: int16("0+"),
    apiKeys: array("0+", {
      apiKey: int16("0+"),
      minVersion: int16("0+"),
      maxVersion: int16("0+"),
    }),
    throttleTimeMs: int32("1+", { ignorable: true }),
    supportedFeatures: array(
      "3+",
      {
        name: string("3+"),
        minVersion: int16("3+"),
        maxVersion: int16("3+"),
      },
      { tag: 0, ignorable: true },
    ),
    finalizedFeaturesEpoch: int64("3+", { default: -1, tag: 1, ignorable: true }),
    finalizedFeatures: array(
      "3+",
      {
        name: string("3+"),
        maxVersionLevel: int16("3+"),
        minVersionLevel: int16("3+"),
      },
      { tag: 2, ignorable: true },
    ),
    zkMigrationReady: bool("3+", { default: false, tag: 3, ignorable: true }),
  },
});
