/**
 * ApiVersions (18): what this broker speaks (KIP-35, KIP-511).
 *
 * A request of an unknown version never gets here: the dispatcher answers it in version 0's form. The response header is always version 0.
 *
 * - v3: flexible; the client says what it is; supported and finalized features (KIP-584), without those whose minimum is 0.
 * - v4: with those as well.
 */
import { ApiVersions } from "../../protocol/apis/18-api-versions.ts";
import { ApiError, Errors } from "../../protocol/errors.ts";
import { KRAFT_VERSION, supportedFeatures } from "../metadata/features.ts";
import type { HandlerContext } from "./context.ts";
import { handler } from "./handler.ts";

const SOFTWARE_TEXT = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/;
const FIRST_VERSION_WITH_SOFTWARE = 3;
const FIRST_VERSION_WITH_MINIMUM_ZERO = 4;

export const apiVersions = handler(
  ApiVersions,
  (request, context) => {
    if (context.apiVersion >= FIRST_VERSION_WITH_SOFTWARE) {
      const { clientSoftwareName, clientSoftwareVersion } = request;
      if (!SOFTWARE_TEXT.test(clientSoftwareName) || !SOFTWARE_TEXT.test(clientSoftwareVersion)) {
        throw new ApiError(Errors.INVALID_REQUEST);
      }
      context.connection.clientSoftwareName = clientSoftwareName;
      context.connection.clientSoftwareVersion = clientSoftwareVersion;
    }
    return {
      errorCode: Errors.NONE,
      apiKeys: context.services.advertisedApis(context.connection.listenerRole),
      throttleTimeMs: 0,
      supportedFeatures: supportedIn(context.apiVersion),
      finalizedFeaturesEpoch: context.metadata.image.offset,
      finalizedFeatures: finalized(context),
    };
  },
  (_request, errorCode) => ({ errorCode, apiKeys: [], throttleTimeMs: 0 }),
);

function supportedIn(version: number): { name: string; minVersion: number; maxVersion: number }[] {
  return supportedFeatures
    .filter(({ minSupportedVersion }) => version >= FIRST_VERSION_WITH_MINIMUM_ZERO || minSupportedVersion > 0)
    .map(({ name, minSupportedVersion, maxSupportedVersion }) => ({
      name,
      minVersion: minSupportedVersion,
      maxVersion: maxSupportedVersion,
    }));
}

function finalized(context: HandlerContext): { name: string; maxVersionLevel: number; minVersionLevel: number }[] {
  const levels = new Map(context.metadata.image.features);
  const kraftVersion = context.services.kraftVersion();
  if (kraftVersion > 0) levels.set(KRAFT_VERSION, kraftVersion);
  return [...levels].map(([name, level]) => ({ name, maxVersionLevel: level, minVersionLevel: level }));
}
