/**
 * DeleteTopics (20): answered once the topics are gone from the metadata of this broker; their files go in the background.
 *
 * - v5: error messages.
 * - v6: topics may be named by id (KIP-516).
 */
import { DeleteTopics } from "../../protocol/apis/20-delete-topics.ts";
import { ApiError, Errors } from "../../protocol/errors.ts";
import { type RequestOf, ZERO_UUID } from "../../protocol/schema.ts";
import { forwardedHandler } from "./forwarding.ts";

/** Older clients do not know TOPIC_DELETION_DISABLED. */
const FIRST_VERSION_WITH_DISABLED_ERROR = 3;

export const deleteTopics = forwardedHandler(
  DeleteTopics,
  (request, context) => {
    if (!context.config.get("delete.topic.enable")) {
      const isOld = context.apiVersion < FIRST_VERSION_WITH_DISABLED_ERROR;
      throw new ApiError(isOld ? Errors.INVALID_REQUEST : Errors.TOPIC_DELETION_DISABLED);
    }
    return context.controller.deleteTopics(request);
  },
  (request, errorCode, errorMessage) => ({
    throttleTimeMs: 0,
    responses: targetsOf(request).map(({ name, topicId }) => ({ name, topicId, errorCode, errorMessage })),
  }),
);

function targetsOf({ topics, topicNames }: RequestOf<typeof DeleteTopics>) {
  return [...topics, ...topicNames.map(name => ({ name, topicId: ZERO_UUID }))];
}
