/**
 * How a node comes to its storage: as it was left, as a cluster of its own, or as its peers and it find out (docs/cluster.md).
 *
 * ```ts
 * const formation = new Formation({ endpoints, formatIfNew }, node);
 * const dispatcher = new Dispatcher({ handlers, early: [formation.handler] }, …);
 * const storage = await formation.open();
 * formation.formed(storage, driver); // from now on peers that come late hear of the cluster
 * ```
 */
import { Errors } from "../../../protocol/errors.ts";
import type { BrokerConfig } from "../../config/index.ts";
import { type Handler, handler } from "../../handlers/handler.ts";
import type { Logger } from "../../logging/index.ts";
import { standalonePlan } from "../../metadata/storage/format.ts";
import { randomUuid } from "../../metadata/storage/ids.ts";
import { type LockedStorage, lockStorage, type Storage } from "../../metadata/storage/storage.ts";
import type { Platform } from "../../platform/platform.ts";
import type { RaftDriver } from "../../raft/driver.ts";
import type { Endpoint } from "../../server/server.ts";
import { controllerEndpoints } from "../listeners.ts";
import { BrokerStartError } from "../supported.ts";
import { ClusterSearch } from "./cluster-search.ts";
import {
  type ControllerAddress,
  draftFormation,
  type FormationFile,
  type Founder,
  readFormation,
  writeFormation,
} from "./formation-file.ts";
import { DescribePeer, type PeerFacts } from "./peer-api.ts";
import { configuredPeers } from "./peers.ts";

export interface FormationModules {
  readonly config: BrokerConfig;
  readonly platform: Platform;
  readonly logger: Logger;
}

export class Formation {
  readonly #modules: FormationModules;
  /** What this node says of itself; null before it knows. */
  #answer: (() => PeerFacts) | null = null;
  #search: ClusterSearch | null = null;
  #founders: readonly Founder[] = [];
  #controllers: readonly ControllerAddress[] = [];
  #isStopped = false;

  constructor(modules: FormationModules) {
    this.#modules = modules;
  }

  /** Answers peers from the moment that the node listens. */
  get handler(): Handler {
    return handler(
      DescribePeer,
      () =>
        this.#answer === null
          ? { ...NOBODY, errorCode: Errors.COORDINATOR_LOAD_IN_PROGRESS }
          : { errorCode: Errors.NONE, ...this.#answer() },
      (_request, errorCode) => ({ ...NOBODY, errorCode }),
    ) as unknown as Handler;
  }

  /**
   * Opens the log directories; new ones are formatted, once it is clear for which cluster. Rejects with {@link BrokerStartError}, `StorageError`,
   * `DiskError`.
   */
  async open(endpoints: readonly Endpoint[], { formatIfNew }: { readonly formatIfNew: boolean }): Promise<Storage> {
    const { config, platform, logger } = this.#modules;
    const locked = lockStorage(
      {
        directories: config.logDirs,
        metadataDirectory: config.get("metadata.log.dir"),
        nodeId: config.nodeId,
        clusterId: null,
        formatIfNew,
      },
      { ...platform, logger },
    );
    try {
      return await this.#open(locked, endpoints, formatIfNew);
    } catch (error) {
      locked.close();
      throw error;
    }
  }

  /** Where controllers listened that peers told of; for a node that has to find the quorum. */
  get controllers(): readonly ControllerAddress[] {
    return this.#controllers;
  }

  /** The node is part of its cluster. */
  formed(storage: Storage, driver: RaftDriver, endpoints: readonly Endpoint[]): void {
    const { config } = this.#modules;
    const isController = config.hasRole("controller");
    this.#answer = () => ({
      nodeId: config.nodeId,
      directoryId: storage.metadataDirectory.directoryId,
      isController,
      endpoints: controllerEndpoints(config, endpoints),
      isFormed: true,
      clusterId: storage.clusterId,
      view: [],
      voters:
        driver.kraftVersion < 1
          ? []
          : driver.voters.map(({ voterId: nodeId, voterDirectoryId: directoryId, endpoints: voterEndpoints }) => ({
              nodeId,
              directoryId,
              endpoints: [...voterEndpoints],
            })),
      founders: [...this.#founders],
    });
  }

  stop(): void {
    this.#isStopped = true;
    this.#answer = null;
    this.#search?.stop();
  }

  async #open(locked: LockedStorage, endpoints: readonly Endpoint[], formatIfNew: boolean): Promise<Storage> {
    const { config, platform } = this.#modules;
    const { disk, random } = platform;
    const peers = configuredPeers(config, endpoints);
    if (!locked.isNew || !formatIfNew) {
      const file = readFormation(disk, locked.metadataPath);
      this.#founders = file?.founders ?? [];
      this.#controllers = file?.controllers ?? [];
      return locked.open(null);
    }
    if (peers === null) {
      if (!config.hasRole("controller")) throw new BrokerStartError("this node is no controller and knows of none");
      return locked.open(standalonePlan(randomUuid(random), config.nodeId, controllerEndpoints(config, endpoints)));
    }
    const draft = draftFormation(disk, locked.metadataPath, random);
    const self = this.#describe(draft, endpoints);
    const search = new ClusterSearch(
      { ...peers, self, peers: peers.addresses },
      { ...platform, platform, logger: this.#modules.logger },
    );
    this.#search = search;
    this.#answer = () => search.answer();
    if (this.#isStopped) search.stop();
    const { kind, plan, founders, controllers } = await search.run();
    this.#modules.logger.info("cluster.found", { kind, clusterId: plan.clusterId, founders });
    // Durable before this node counts as one of the cluster: whoever comes late asks for it.
    const { directoryId } = draft;
    writeFormation(disk, locked.metadataPath, { directoryId, clusterId: plan.clusterId, founders, controllers });
    this.#founders = founders;
    this.#controllers = controllers;
    return locked.open(plan);
  }

  #describe({ directoryId, clusterId }: FormationFile, endpoints: readonly Endpoint[]): PeerFacts {
    const { config } = this.#modules;
    return {
      nodeId: config.nodeId,
      directoryId,
      isController: config.hasRole("controller"),
      endpoints: controllerEndpoints(config, endpoints),
      isFormed: false,
      clusterId,
      view: [],
      voters: [],
      founders: [],
    };
  }
}

const NOBODY = Object.freeze({
  nodeId: -1,
  directoryId: "AAAAAAAAAAAAAAAAAAAAAA",
  isController: false,
  endpoints: [],
  isFormed: false,
  clusterId: "",
  view: [],
  voters: [],
  founders: [],
});
