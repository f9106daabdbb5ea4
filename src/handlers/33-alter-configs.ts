/**
 * AlterConfigs (33): gives each resource the configuration in the request and no other (KIP-133); IncrementalAlterConfigs (44) has taken its
 * place.
 */
import { AlterConfigs } from "../../protocol/apis/33-alter-configs.ts";
import { forwardedHandler } from "./forwarding.ts";
import { checkOwnConfigs } from "./own-configs.ts";

export const alterConfigs = forwardedHandler(
  AlterConfigs,
  (request, context) => context.controller.alterConfigs(request),
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
