/**
 * The folder of a local cluster: a file that says which nodes it has and where, a folder of data and a log for each.
 *
 * ```
 * samsa-cluster/
 *   samsa-cluster.json    nodes, their ports, the processes that run them
 *   node-1/  node-1.log
 *   node-2/  node-2.log
 * ```
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { CliFailure } from "../../client/failure.ts";

/** A node of a local cluster. */
export interface LocalNode {
  readonly id: number;
  readonly port: number;
  readonly controllerPort: number;
  /** The process that was last started for it; null before the first, and after it was stopped. */
  readonly pid: number | null;
}

export interface LocalClusterFile {
  readonly nodes: readonly LocalNode[];
  /** Settings of every node. */
  readonly settings: Readonly<Record<string, string>>;
}

const FILE_NAME = "samsa-cluster.json";

export class ClusterFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = resolve(path);
  }

  get exists(): boolean {
    return existsSync(this.#file);
  }

  dataDirectory({ id }: LocalNode): string {
    return join(this.path, `node-${id}`);
  }

  logFile({ id }: LocalNode): string {
    return join(this.path, `node-${id}.log`);
  }

  /** Throws a failure when there is no cluster in the folder, or its file is not one. */
  read(): LocalClusterFile {
    if (!this.exists) {
      throw new CliFailure(`There is no local cluster in ${this.path}.`, {
        advice: "samsa cluster --brokers 3 starts one; --data-dir names another folder.",
      });
    }
    try {
      const file = JSON.parse(readFileSync(this.#file, "utf8")) as LocalClusterFile;
      if (!Array.isArray(file.nodes) || !file.nodes.every(isNode)) throw new Error("it names no nodes");
      return file;
    } catch (error) {
      throw new CliFailure(`${this.#file} cannot be read: ${(error as Error).message}.`, { cause: error });
    }
  }

  write(file: LocalClusterFile): void {
    mkdirSync(this.path, { recursive: true });
    const fresh = `${this.#file}.tmp`;
    writeFileSync(fresh, `${JSON.stringify(file, null, 2)}\n`);
    renameSync(fresh, this.#file);
  }

  get #file(): string {
    return join(this.path, FILE_NAME);
  }
}

function isNode(value: unknown): value is LocalNode {
  const { id, port, controllerPort, pid } = (value ?? {}) as Partial<Record<keyof LocalNode, unknown>>;
  return [id, port, controllerPort].every(Number.isSafeInteger) && (pid === null || Number.isSafeInteger(pid));
}
