/**
 * Dynamic configuration of a metadata image: what was set for topics, brokers, groups and client metrics subscriptions.
 */
import type { ConfigRecord } from "../../protocol/internal/metadata/config.ts";
import { PersistentMap } from "./persistent-map.ts";

/** Name of the broker resource that stands for all brokers. */
export const ALL_BROKERS = "";

/** Something that has configuration. */
export interface ConfigResource {
  readonly type: number;
  readonly name: string;
}

/** A resource and the values set for it, never empty. */
export interface ConfigResourceImage extends ConfigResource {
  readonly values: ReadonlyMap<string, string>;
}

const NO_VALUES: ReadonlyMap<string, string> = new Map();

export class ConfigsImage {
  static readonly empty = new ConfigsImage(PersistentMap.empty());

  /** By {@link resourceKey}. */
  readonly resources: PersistentMap<ConfigResourceImage>;

  constructor(resources: PersistentMap<ConfigResourceImage>) {
    this.resources = resources;
  }

  /** What is set for a resource; empty when nothing is. */
  of(type: number, name: string): ReadonlyMap<string, string> {
    return this.resources.get(resourceKey(type, name))?.values ?? NO_VALUES;
  }

  /** Names of the resources of a type that have something set, sorted. */
  names(type: number): string[] {
    const names: string[] = [];
    for (const resource of this.resources.values()) if (resource.type === type) names.push(resource.name);
    return names.sort();
  }

  edit(): ConfigsEditor {
    return new ConfigsEditor(this);
  }
}

export function resourceKey(type: number, name: string): string {
  return `${type}:${name}`;
}

/** Gathers changes to a {@link ConfigsImage}. */
export class ConfigsEditor {
  readonly #base: ConfigsImage;
  readonly #changed = new Map<string, { resource: ConfigResource; values: Map<string, string> }>();

  constructor(base: ConfigsImage) {
    this.#base = base;
  }

  /** Sets one value, or removes it when the record's is null. */
  apply(record: ConfigRecord): void {
    const values = this.#valuesOf(record.resourceType, record.resourceName);
    if (record.value === null) values.delete(record.name);
    else values.set(record.name, record.value);
  }

  removeAll(type: number, name: string): void {
    if (this.#base.of(type, name).size > 0 || this.#changed.has(resourceKey(type, name))) {
      this.#valuesOf(type, name).clear();
    }
  }

  /** The new image, and which resources changed, by key. */
  finish(): { image: ConfigsImage; changes: Map<string, ConfigResource> } {
    const changes = new Map<string, ConfigResource>();
    if (this.#changed.size === 0) return { image: this.#base, changes };
    const editor = this.#base.resources.edit();
    for (const [key, { resource, values }] of this.#changed) {
      if (values.size === 0) editor.delete(key);
      else editor.set(key, { type: resource.type, name: resource.name, values });
      changes.set(key, resource);
    }
    return { image: new ConfigsImage(editor.finish()), changes };
  }

  #valuesOf(type: number, name: string): Map<string, string> {
    const key = resourceKey(type, name);
    let changed = this.#changed.get(key);
    if (changed === undefined) {
      changed = { resource: { type, name }, values: new Map(this.#base.of(type, name)) };
      this.#changed.set(key, changed);
    }
    return changed.values;
  }
}
