/** All scenarios, in the order in which they run: those on the same brokers stand together. */
import type { Scenario } from "../scenario.ts";
import { clients } from "./clients.ts";
import { failover, threeBrokers } from "./cluster.ts";
import { coldConsume, manyConsumers } from "./consumers.ts";
import { recovery, start } from "./lifecycle.ts";
import { idleConnections, idlePartitions } from "./many.ts";
import { soak } from "./soak.ts";
import { codecs, connections, partitions, rates, recordSizes, topics } from "./sweeps.ts";
import { table } from "./table.ts";

export const SCENARIOS: readonly Scenario[] = [
  start,
  table,
  rates,
  partitions,
  connections,
  recordSizes,
  codecs,
  topics,
  manyConsumers,
  clients,
  coldConsume,
  idleConnections,
  idlePartitions,
  recovery,
  threeBrokers,
  failover,
  soak,
];
