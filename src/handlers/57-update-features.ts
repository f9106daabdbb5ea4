/**
 * UpdateFeatures (57): raises or lowers finalized feature levels (KIP-584).
 *
 * - v0: a flag allows lowering; v1: the kind of upgrade instead, and dry runs (KIP-778).
 * - v2: no results of single features, as all are updated or none (KIP-1022).
 */
import { UpdateFeatures } from "../../protocol/apis/57-update-features.ts";
import { Errors } from "../../protocol/errors.ts";
import type { RequestOf } from "../../protocol/schema.ts";
import { forwardedHandler } from "./forwarding.ts";

const FIRST_VERSION_WITHOUT_RESULTS = 2;

export const updateFeatures = forwardedHandler(
  UpdateFeatures,
  async (request, context) => {
    await context.controller.updateFeatures(request, context.apiVersion);
    return answer(request, Errors.NONE, null, context.apiVersion);
  },
  (request, errorCode, errorMessage, { apiVersion }) => answer(request, errorCode, errorMessage, apiVersion),
);

function answer(
  { featureUpdates }: RequestOf<typeof UpdateFeatures>,
  errorCode: number,
  errorMessage: string | null,
  apiVersion: number,
) {
  const hasResults = apiVersion < FIRST_VERSION_WITHOUT_RESULTS;
  return {
    throttleTimeMs: 0,
    errorCode,
    errorMessage,
    results: hasResults ? featureUpdates.map(({ feature }) => ({ feature, errorCode, errorMessage })) : [],
  };
}
