/**
 * CreateTopics (19): answered once the topics are committed and this broker leads what it is to lead of them.
 *
 * - v4: -1 as partition count and replication factor stands for the broker's default (KIP-464).
 * - v5: the answer has partition count, replication factor and all configuration (KIP-525).
 * - v7: and the topic id (KIP-516).
 */
import { CreateTopics } from "../../protocol/apis/19-create-topics.ts";
import { ZERO_UUID } from "../../protocol/schema.ts";
import { forwardedHandler } from "./forwarding.ts";

export const createTopics = forwardedHandler(
  CreateTopics,
  (request, context) => context.controller.createTopics(request),
  ({ topics }, errorCode, errorMessage) => ({
    throttleTimeMs: 0,
    topics: [...new Set(topics.map(({ name }) => name))].map(name => ({
      name,
      topicId: ZERO_UUID,
      errorCode,
      errorMessage,
      configs: [],
    })),
  }),
);
