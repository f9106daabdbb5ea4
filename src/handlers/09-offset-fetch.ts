/**
 * OffsetFetch (9): how far groups have consumed. Offset -1 stands for none.
 *
 * - v1: errors stand with the partitions; from v2 on one for the whole group, and null topics mean all.
 * - v7: offsets that an open transaction may change can be refused (KIP-447).
 * - v8: several groups. v9: members of the consumer protocol say who they are (KIP-848). v10: topics by id.
 */
import { OffsetFetch } from "../../protocol/apis/09-offset-fetch.ts";
import { ApiError, Errors } from "../../protocol/errors.ts";
import { type RequestOf, ZERO_UUID } from "../../protocol/schema.ts";
import { type FetchedPartition, type FetchedTopic, missing } from "../coordinators/group/offsets/fetch.ts";
import type { HandlerContext } from "./context.ts";
import { handler } from "./handler.ts";

type Request = RequestOf<typeof OffsetFetch>;
type GroupRequest = Request["groups"][number];
type TopicRequest = NonNullable<GroupRequest["topics"]>[number];

interface TopicAnswer {
  readonly name: string;
  readonly topicId: string;
  readonly partitions: readonly FetchedPartition[];
}

interface GroupAnswer {
  readonly groupId: string;
  readonly topics: readonly TopicAnswer[];
  readonly errorCode: number;
}

const FIRST_VERSION_WITH_GROUP_ERROR = 2;
const FIRST_VERSION_WITH_GROUPS = 8;
const FIRST_VERSION_BY_ID = 10;

export const offsetFetch = handler(
  OffsetFetch,
  async (request, context) => {
    const groups = await Promise.all(
      groupsOf(request, context.apiVersion).map(group => answer(group, request, context)),
    );
    return response(groups, context.apiVersion);
  },
  (request, errorCode, _message, { apiVersion }) =>
    response(
      groupsOf(request, apiVersion).map(group => failed(group, errorCode, apiVersion)),
      apiVersion,
    ),
);

/** Every version asks for groups; the early ones for one. */
function groupsOf(request: Request, apiVersion: number): readonly GroupRequest[] {
  if (apiVersion >= FIRST_VERSION_WITH_GROUPS) return request.groups;
  const topics = request.topics?.map(topic => ({ ...topic, topicId: ZERO_UUID })) ?? null;
  return [{ groupId: request.groupId, memberId: null, memberEpoch: -1, topics }];
}

async function answer(group: GroupRequest, { requireStable }: Request, context: HandlerContext): Promise<GroupAnswer> {
  try {
    const topics =
      context.apiVersion < FIRST_VERSION_BY_ID
        ? await fetchByName(group, requireStable, context)
        : await fetchById(group, requireStable, context);
    return { groupId: group.groupId, topics, errorCode: Errors.NONE };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return failed(group, error.code, context.apiVersion);
  }
}

async function fetchByName(
  group: GroupRequest,
  requireStable: boolean,
  context: HandlerContext,
): Promise<TopicAnswer[]> {
  const topics = await context.groups.fetchOffsets({ ...group, requireStable });
  return topics.map(({ name, partitions }) => ({ name, topicId: ZERO_UUID, partitions }));
}

/** Topics that are gone have no id and are left out where all are asked for. */
async function fetchById(group: GroupRequest, requireStable: boolean, context: HandlerContext): Promise<TopicAnswer[]> {
  const { byId, byName } = context.metadata.image.topics;
  if (group.topics === null) {
    const all = await context.groups.fetchOffsets({ ...group, requireStable });
    return all.flatMap(({ name, partitions }) => {
      const topic = byName.get(name);
      return topic === undefined ? [] : [{ name, topicId: topic.id, partitions }];
    });
  }
  const known = group.topics.flatMap(({ topicId, partitionIndexes }) => {
    const topic = byId.get(topicId);
    return topic === undefined ? [] : [{ name: topic.name, partitionIndexes }];
  });
  const fetched: FetchedTopic[] = await context.groups.fetchOffsets({ ...group, topics: known, requireStable });
  let next = 0;
  return group.topics.map(topic => {
    if (!byId.has(topic.topicId)) return failedTopic(topic, Errors.UNKNOWN_TOPIC_ID);
    return { name: topic.name, topicId: topic.topicId, partitions: fetched[next++]!.partitions };
  });
}

/** Before there was a place for an error of the group, it stood with every partition. */
function failed(group: GroupRequest, errorCode: number, apiVersion: number): GroupAnswer {
  const topics =
    apiVersion < FIRST_VERSION_WITH_GROUP_ERROR ? (group.topics ?? []).map(topic => failedTopic(topic, errorCode)) : [];
  return { groupId: group.groupId, topics, errorCode };
}

function failedTopic({ name, topicId, partitionIndexes }: TopicRequest, errorCode: number): TopicAnswer {
  return { name, topicId, partitions: partitionIndexes.map(index => missing(index, errorCode)) };
}

function response(groups: readonly GroupAnswer[], apiVersion: number) {
  if (apiVersion >= FIRST_VERSION_WITH_GROUPS) return { throttleTimeMs: 0, topics: [], groups: groups.map(copy) };
  const { topics, errorCode } = groups[0]!;
  return { throttleTimeMs: 0, topics: topics.map(copyTopic), errorCode, groups: [] };
}

function copy({ groupId, topics, errorCode }: GroupAnswer) {
  return { groupId, topics: topics.map(copyTopic), errorCode };
}

function copyTopic({ name, topicId, partitions }: TopicAnswer) {
  return { name, topicId, partitions: [...partitions] };
}
