/**
 * IncrementalAlterConfigs (44): sets, removes, or changes entries of single configuration keys (KIP-339).
 */
import { IncrementalAlterConfigs } from "../../protocol/apis/44-incremental-alter-configs.ts";
import { forwardedHandler } from "./forwarding.ts";
import { checkOwnConfigs } from "./own-configs.ts";

export const incrementalAlterConfigs = forwardedHandler(
  IncrementalAlterConfigs,
  (request, context) => context.controller.incrementalAlterConfigs(request),
  ({ resources }, errorCode, errorMessage) => ({
    throttleTimeMs: 0,
    responses: resources.map(({ resourceType, resourceName }) => ({
      errorCode,
      errorMessage,
      resourceType,
      resourceName,
    })),
  }),
  ({ resources }, context) => checkOwnConfigs(resources, context),
);
