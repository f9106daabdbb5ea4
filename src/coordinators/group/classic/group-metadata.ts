/**
 * Classic groups as records of the log, and back.
 */
import type { GroupMetadataValue } from "../../../../protocol/internal/group/classic-group.ts";
import { type GroupRecord, groupMetadataRecord } from "../group-record.ts";
import type { ClassicGroup } from "./classic-group.ts";
import { ClassicMember, detached, NO_ASSIGNMENT } from "./classic-member.ts";

/** The record of a group with its members, and `assignments` in place of what they have. */
export function groupRecord(group: ClassicGroup, assignments?: ReadonlyMap<string, Buffer>): GroupRecord {
  const protocol = group.protocolName;
  return groupMetadataRecord(group.groupId, {
    protocolType: group.protocolType ?? "",
    generation: group.generationId,
    protocol,
    leader: group.leaderId,
    currentStateTimestamp: group.stateTimestampMs,
    members: [...group.members()].map(member => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      rebalanceTimeout: member.rebalanceTimeoutMs,
      sessionTimeout: member.sessionTimeoutMs,
      subscription: protocol === null ? NO_ASSIGNMENT : member.metadata(protocol),
      assignment: assignments?.get(member.memberId) ?? (assignments === undefined ? member.assignment : NO_ASSIGNMENT),
    })),
  });
}

/** The record of a group that was just made and has had no generation yet. */
export function newGroupRecord(groupId: string, nowMs: number): GroupRecord {
  return groupMetadataRecord(groupId, {
    protocolType: "",
    generation: 0,
    protocol: null,
    leader: null,
    currentStateTimestamp: nowMs,
    members: [],
  });
}

/** Makes `group` what the log says. Members know only the protocol that was chosen; they join anew when another is needed. */
export function restoreGroup(group: ClassicGroup, value: GroupMetadataValue): void {
  const protocol = value.protocol ?? "";
  group.restore({
    state: value.members.length === 0 ? "Empty" : "Stable",
    stateTimestampMs: value.currentStateTimestamp,
    generationId: value.generation,
    protocolType: value.protocolType === "" ? null : value.protocolType,
    protocolName: value.protocol,
    leaderId: value.leader,
    members: value.members.map(
      member =>
        new ClassicMember({
          memberId: member.memberId,
          groupInstanceId: member.groupInstanceId,
          clientId: member.clientId,
          clientHost: member.clientHost,
          rebalanceTimeoutMs: member.rebalanceTimeout === -1 ? member.sessionTimeout : member.rebalanceTimeout,
          sessionTimeoutMs: member.sessionTimeout,
          protocols: [{ name: protocol, metadata: detached(member.subscription) }],
          assignment: detached(member.assignment),
        }),
    ),
  });
}
