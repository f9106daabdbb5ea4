/** Requests of the classic protocol against a {@link GroupFixture}. */
import { ApiError, Errors } from "../../../protocol/errors.ts";
import { ClassicGroup } from "../../../src/coordinators/group/classic/classic-group.ts";
import { heartbeatClassicGroup } from "../../../src/coordinators/group/classic/heartbeat.ts";
import { type JoinRequest, joinClassicGroup } from "../../../src/coordinators/group/classic/join.ts";
import {
  type LeaveResult,
  type LeavingMember,
  leaveClassicGroup,
} from "../../../src/coordinators/group/classic/leave.ts";
import { syncClassicGroup } from "../../../src/coordinators/group/classic/sync.ts";
import { type GroupFixture, type JoinResponse, type SyncResponse, type Watched, watch } from "./group-fixture.ts";
import { encodeSubscription } from "./subscription.ts";

export const GROUP = "g";

export function joinRequest(overrides: Partial<JoinRequest> = {}): JoinRequest {
  return {
    groupId: GROUP,
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 30_000,
    memberId: "",
    groupInstanceId: null,
    protocolType: "consumer",
    protocols: [{ name: "range", metadata: encodeSubscription(["t"]) }],
    reason: null,
    ...overrides,
  };
}

export function classicGroup(fixture: GroupFixture, groupId = GROUP): ClassicGroup {
  const group = fixture.state.groups.get(groupId);
  if (!(group instanceof ClassicGroup)) throw new Error(`${groupId} is no classic group`);
  return group;
}

/** Joins once; the answer may take until the others have joined. */
export function join(
  fixture: GroupFixture,
  overrides: Partial<JoinRequest> = {},
  apiVersion = 9,
): Watched<JoinResponse> {
  const request = joinRequest(overrides);
  const reply = fixture.shard.park<JoinResponse>();
  const facts = { apiVersion, clientId: "client", clientHost: "/127.0.0.1" };
  const done = fixture.shard.execute((state, turn) => {
    const group = state.groups.get(request.groupId);
    joinClassicGroup(state, turn, group as ClassicGroup | undefined, request, facts, reply);
  });
  if (done instanceof Promise) done.catch(error => reply.reject(error));
  return watch(reply.promise);
}

/** Learns a member id first, as clients from v4 on do. */
export async function joinDynamic(fixture: GroupFixture, overrides: Partial<JoinRequest> = {}) {
  const first = join(fixture, overrides);
  await fixture.settle();
  const memberId = first.value?.memberId ?? "";
  if (first.value?.errorCode !== Errors.MEMBER_ID_REQUIRED) throw new Error(`error ${first.value?.errorCode}`);
  return { memberId, joined: join(fixture, { ...overrides, memberId }) };
}

export function sync(
  fixture: GroupFixture,
  memberId: string,
  generationId: number,
  assignments: Record<string, string> = {},
  overrides: { groupInstanceId?: string; protocolName?: string } = {},
): Watched<SyncResponse> {
  const reply = fixture.shard.park<SyncResponse>();
  const done = fixture.shard.execute((state, turn) => {
    syncClassicGroup(
      state,
      turn,
      state.groups.get(GROUP) as ClassicGroup,
      {
        groupId: GROUP,
        memberId,
        generationId,
        groupInstanceId: overrides.groupInstanceId ?? null,
        protocolType: null,
        protocolName: overrides.protocolName ?? null,
        assignments: Object.entries(assignments).map(([id, text]) => ({ memberId: id, assignment: Buffer.from(text) })),
      },
      reply,
    );
  });
  if (done instanceof Promise) done.catch(error => reply.reject(error));
  return watch(reply.promise);
}

/** An error code. */
export function heartbeat(
  fixture: GroupFixture,
  memberId: string,
  generationId: number,
  groupInstanceId: string | null = null,
): number {
  try {
    return heartbeatClassicGroup(classicGroup(fixture), { memberId, generationId, groupInstanceId });
  } catch (error) {
    if (error instanceof ApiError) return error.code;
    throw error;
  }
}

export async function leave(fixture: GroupFixture, members: Partial<LeavingMember>[]): Promise<LeaveResult[]> {
  const left = fixture.shard.execute((state, turn) =>
    leaveClassicGroup(
      state,
      turn,
      classicGroup(fixture),
      members.map(member => ({ memberId: "", groupInstanceId: null, reason: null, ...member })),
    ),
  );
  if (left instanceof Promise) left.catch(() => {}); // awaited below
  await fixture.settle();
  return left;
}

/** Brings a group of so many members to Stable; the first is the leader. */
export async function stableGroup(
  fixture: GroupFixture,
  memberCount: number,
  overrides: Partial<JoinRequest> = {},
): Promise<{ memberIds: string[]; generationId: number }> {
  const members = [];
  for (let index = 0; index < memberCount; index += 1) members.push(await joinDynamic(fixture, overrides));
  await fixture.time.advance(12_000);
  const generationId = members[0]!.joined.value!.generationId!;
  const memberIds = members.map(({ memberId }) => memberId);
  const leader = members.find(({ joined, memberId }) => joined.value!.leader === memberId)!.memberId;
  const assignments = Object.fromEntries(memberIds.map(memberId => [memberId, `to ${memberId}`]));
  for (const memberId of memberIds) sync(fixture, memberId, generationId, memberId === leader ? assignments : {});
  await fixture.settle();
  return { memberIds, generationId };
}
