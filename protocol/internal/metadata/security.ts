/**
 * Records of `__cluster_metadata` about access control and credentials.
 */
import { array, bytes, int8, int32, int64, message, string, uuid, type ValueOf } from "../../schema.ts";

/** One ACL binding (KIP-801). */
export const AccessControlEntryRecord = message({
  name: "AccessControlEntryRecord",
  key: 18,
  versions: "0",
  flexible: "0+",
  fields: {
    id: uuid("0+"),
    resourceType: int8("0+"),
    resourceName: string("0+"),
    patternType: int8("0+"),
    principal: string("0+"),
    host: string("0+"),
    operation: int8("0+"),
    permissionType: int8("0+"),
  },
});
export type AccessControlEntryRecord = ValueOf<typeof AccessControlEntryRecord>;

/** An ACL binding was removed. */
export const RemoveAccessControlEntryRecord = message({
  name: "RemoveAccessControlEntryRecord",
  key: 19,
  versions: "0",
  flexible: "0+",
  fields: {
    id: uuid("0+"),
  },
});
export type RemoveAccessControlEntryRecord = ValueOf<typeof RemoveAccessControlEntryRecord>;

/** A SCRAM credential of a user (KIP-900). */
export const UserScramCredentialRecord = message({
  name: "UserScramCredentialRecord",
  key: 11,
  versions: "0",
  flexible: "0+",
  fields: {
    name: string("0+"),
    mechanism: int8("0+"),
    salt: bytes("0+"),
    storedKey: bytes("0+"),
    serverKey: bytes("0+"),
    iterations: int32("0+"),
  },
});
export type UserScramCredentialRecord = ValueOf<typeof UserScramCredentialRecord>;

/** A SCRAM credential was removed. */
export const RemoveUserScramCredentialRecord = message({
  name: "RemoveUserScramCredentialRecord",
  key: 22,
  versions: "0",
  flexible: "0+",
  fields: {
    name: string("0+"),
    mechanism: int8("0+"),
  },
});
export type RemoveUserScramCredentialRecord = ValueOf<typeof RemoveUserScramCredentialRecord>;

/** A delegation token was created or renewed (KIP-900 and KIP-48). */
export const DelegationTokenRecord = message({
  name: "DelegationTokenRecord",
  key: 10,
  versions: "0",
  flexible: "0+",
  fields: {
    owner: string("0+"),
    requester: string("0+"),
    renewers: array("0+", string),
    issueTimestamp: int64("0+"),
    maxTimestamp: int64("0+"),
    expirationTimestamp: int64("0+"),
    tokenId: string("0+"),
  },
});
export type DelegationTokenRecord = ValueOf<typeof DelegationTokenRecord>;

/** A delegation token was removed or has expired. */
export const RemoveDelegationTokenRecord = message({
  name: "RemoveDelegationTokenRecord",
  key: 26,
  versions: "0",
  flexible: "0+",
  fields: {
    tokenId: string("0+"),
  },
});
export type RemoveDelegationTokenRecord = ValueOf<typeof RemoveDelegationTokenRecord>;
