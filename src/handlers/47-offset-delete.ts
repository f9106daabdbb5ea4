/**
 * OffsetDelete (47): removes single offsets of a group that does not consume their topics (KIP-496).
 */
import { OffsetDelete } from "../../protocol/apis/47-offset-delete.ts";
import { Errors } from "../../protocol/errors.ts";
import { handler } from "./handler.ts";

export const offsetDelete = handler(
  OffsetDelete,
  async (request, context) => {
    const { byName } = context.metadata.image.topics;
    const known = request.topics.filter(({ name }) => byName.has(name));
    const codes = await context.groups.deleteOffsets(request.groupId, known);
    let next = 0;
    return {
      throttleTimeMs: 0,
      errorCode: Errors.NONE,
      topics: request.topics.map(({ name, partitions }) => {
        const errorCode = byName.has(name) ? codes[next++]! : Errors.UNKNOWN_TOPIC_OR_PARTITION;
        return { name, partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })) };
      }),
    };
  },
  (_request, errorCode) => ({ throttleTimeMs: 0, errorCode, topics: [] }),
);
