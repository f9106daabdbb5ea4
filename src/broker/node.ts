/** What the parts of a node are built from. */
import type { BrokerConfig } from "../config/index.ts";
import type { Logger } from "../logging/index.ts";
import type { Metrics } from "../metrics/index.ts";
import type { Clock, Disk, Platform, Random, Timers } from "../platform/platform.ts";
import type { Server } from "../server/server.ts";
import type { Teardown } from "./teardown.ts";

export interface NodeModules {
  readonly config: BrokerConfig;
  readonly platform: Platform;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly disk: Disk;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly server: Server;
  readonly teardown: Teardown;
  /** Ends the node at once: nothing it would still do could be trusted. */
  readonly onFatal: (error: unknown) => void;
}
