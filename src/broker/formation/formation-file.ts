/**
 * `samsa.formation`, in the metadata directory: what a node promised to its peers before their cluster was there, and whom it founded it with. Kafka takes
 * no notice of it.
 *
 * It is durable before the first peer hears of the directory's id, so a node that crashes on the way comes back as the same one; and a directory that was
 * lost comes back as another one, which is no founder (see docs/cluster.md).
 */

import { FORMATION_FILE } from "../../metadata/storage/format.ts";
import { isUuid, randomUuid } from "../../metadata/storage/ids.ts";
import { atomicWrite, joinPath, makeDirectoryDurably, readFileIfExists } from "../../platform/files.ts";
import type { Disk, Random } from "../../platform/platform.ts";
import { BrokerStartError } from "../supported.ts";

export interface Founder {
  readonly nodeId: number;
  readonly directoryId: string;
}

export interface ControllerAddress {
  readonly host: string;
  readonly port: number;
}

export interface FormationFile {
  /** Of the metadata directory. */
  readonly directoryId: string;
  /** The cluster's, or before that the one proposed. */
  readonly clusterId: string;
  /** Empty until the cluster is founded, and for a node that has joined one. */
  readonly founders: readonly Founder[];
  /** Where the controllers among the peers listened, for a node that is none and whose metadata log is still empty. */
  readonly controllers: readonly ControllerAddress[];
}

/** The file of a directory; null when it has none. Throws {@link BrokerStartError} when it cannot be read. */
export function readFormation(disk: Disk, directory: string): FormationFile | null {
  const path = joinPath(directory, FORMATION_FILE);
  const contents = readFileIfExists(disk, path);
  if (contents === null) return null;
  try {
    const { directoryId, clusterId, founders, controllers } = JSON.parse(contents.toString("utf8")) as FormationFile;
    const isSound =
      isUuid(directoryId) &&
      clusterId !== "" &&
      founders.every(founder => isUuid(founder.directoryId)) &&
      controllers.every(({ host, port }) => typeof host === "string" && typeof port === "number");
    if (isSound) return { directoryId, clusterId, founders, controllers };
  } catch (error) {
    if (!(error instanceof SyntaxError) && !(error instanceof TypeError)) throw error;
  }
  throw new BrokerStartError(`${path} is damaged: remove it if this directory never held data`);
}

/** Durable on return. Throws `DiskError`. */
export function writeFormation(disk: Disk, directory: string, file: FormationFile): void {
  makeDirectoryDurably(disk, directory);
  atomicWrite(disk, joinPath(directory, FORMATION_FILE), `${JSON.stringify(file)}\n`);
}

/** The file of a new directory, made if it is not there yet. */
export function draftFormation(disk: Disk, directory: string, random: Pick<Random, "bytes">): FormationFile {
  const existing = readFormation(disk, directory);
  if (existing !== null) return existing;
  const draft = { directoryId: randomUuid(random), clusterId: randomUuid(random), founders: [], controllers: [] };
  writeFormation(disk, directory, draft);
  return draft;
}
