/**
 * The rest of a metadata image: ACLs, SCRAM credentials, delegation tokens and client quotas. Each is kept as its record says, so that a
 * snapshot holds whatever the log held, whether or not anything in this broker uses it yet.
 */
import type { ClientQuotaRecord } from "../../protocol/internal/metadata/config.ts";
import type {
  AccessControlEntryRecord,
  DelegationTokenRecord,
  RemoveUserScramCredentialRecord,
  UserScramCredentialRecord,
} from "../../protocol/internal/metadata/security.ts";
import { CopyOnWriteMap } from "./copy-on-write-map.ts";
import { MetadataError } from "./metadata-error.ts";
import { type MapEditor, PersistentMap } from "./persistent-map.ts";

/** One part of a quota entity; a null name stands for the default of its type. */
export interface QuotaEntityPart {
  readonly entityType: string;
  readonly entityName: string | null;
}

/** Quotas of one entity, e.g. user `alice` with client id `c1`. */
export interface ClientQuota {
  /** Sorted by type. */
  readonly entity: readonly QuotaEntityPart[];
  /** By quota key, e.g. `producer_byte_rate`; never empty. */
  readonly values: ReadonlyMap<string, number>;
}

export interface SecurityImage {
  /** By id. */
  readonly acls: PersistentMap<AccessControlEntryRecord>;
  /** By {@link scramKey}. */
  readonly scramCredentials: ReadonlyMap<string, UserScramCredentialRecord>;
  /** By token id. */
  readonly delegationTokens: ReadonlyMap<string, DelegationTokenRecord>;
  /** By {@link quotaKey}. */
  readonly clientQuotas: ReadonlyMap<string, ClientQuota>;
}

export const emptySecurityImage: SecurityImage = {
  acls: PersistentMap.empty(),
  scramCredentials: new Map(),
  delegationTokens: new Map(),
  clientQuotas: new Map(),
};

/** Which parts of a {@link SecurityImage} changed. */
export interface SecurityChanges {
  readonly acls: boolean;
  readonly scramCredentials: boolean;
  readonly delegationTokens: boolean;
  readonly clientQuotas: boolean;
}

export function scramKey(credential: { readonly mechanism: number; readonly name: string }): string {
  return `${credential.mechanism}:${credential.name}`;
}

/** The same for the same set of parts, in whatever order. */
export function quotaKey(entity: readonly QuotaEntityPart[]): string {
  return JSON.stringify(sortedEntity(entity).map(part => [part.entityType, part.entityName]));
}

/** Gathers changes to a {@link SecurityImage}. */
export class SecurityEditor {
  readonly #base: SecurityImage;
  readonly #acls: MapEditor<AccessControlEntryRecord>;
  readonly #scramCredentials: CopyOnWriteMap<string, UserScramCredentialRecord>;
  readonly #delegationTokens: CopyOnWriteMap<string, DelegationTokenRecord>;
  readonly #clientQuotas: CopyOnWriteMap<string, ClientQuota>;

  constructor(base: SecurityImage) {
    this.#base = base;
    this.#acls = base.acls.edit();
    this.#scramCredentials = new CopyOnWriteMap(base.scramCredentials);
    this.#delegationTokens = new CopyOnWriteMap(base.delegationTokens);
    this.#clientQuotas = new CopyOnWriteMap(base.clientQuotas);
  }

  addAcl(record: AccessControlEntryRecord): void {
    this.#acls.set(record.id, record);
  }

  removeAcl(id: string): void {
    if (!this.#acls.delete(id)) throw new MetadataError(`ACL ${id} is removed but does not exist`);
  }

  setScramCredential(record: UserScramCredentialRecord): void {
    this.#scramCredentials.set(scramKey(record), record);
  }

  removeScramCredential(record: RemoveUserScramCredentialRecord): void {
    this.#scramCredentials.delete(scramKey(record));
  }

  setDelegationToken(record: DelegationTokenRecord): void {
    this.#delegationTokens.set(record.tokenId, record);
  }

  removeDelegationToken(tokenId: string): void {
    this.#delegationTokens.delete(tokenId);
  }

  changeClientQuota(record: ClientQuotaRecord): void {
    const key = quotaKey(record.entity);
    const values = new Map(this.#clientQuotas.get(key)?.values);
    if (record.remove) values.delete(record.key);
    else values.set(record.key, record.value);
    if (values.size === 0) this.#clientQuotas.delete(key);
    else this.#clientQuotas.set(key, { entity: sortedEntity(record.entity), values });
  }

  finish(): { image: SecurityImage; changes: SecurityChanges } {
    const image: SecurityImage = {
      acls: this.#acls.finish(),
      scramCredentials: this.#scramCredentials.finish(),
      delegationTokens: this.#delegationTokens.finish(),
      clientQuotas: this.#clientQuotas.finish(),
    };
    const changes: SecurityChanges = {
      acls: image.acls !== this.#base.acls,
      scramCredentials: image.scramCredentials !== this.#base.scramCredentials,
      delegationTokens: image.delegationTokens !== this.#base.delegationTokens,
      clientQuotas: image.clientQuotas !== this.#base.clientQuotas,
    };
    const isChanged = changes.acls || changes.scramCredentials || changes.delegationTokens || changes.clientQuotas;
    return { image: isChanged ? image : this.#base, changes };
  }
}

function sortedEntity(entity: readonly QuotaEntityPart[]): readonly QuotaEntityPart[] {
  return [...entity].sort((a, b) => (a.entityType < b.entityType ? -1 : a.entityType > b.entityType ? 1 : 0));
}
