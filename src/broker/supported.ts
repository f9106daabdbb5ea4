/** What a node can be started as, and how it says that it cannot. */
import type { BrokerConfig } from "../config/index.ts";

/** The broker cannot start, for a reason that its operator can do something about. */
export class BrokerStartError extends Error {
  override readonly name = "BrokerStartError";
}

/** Refuses what this version cannot do, rather than to do something else. */
export function checkSupported(config: BrokerConfig): void {
  const other = config.listeners().find(({ protocol }) => protocol !== "PLAINTEXT");
  if (other !== undefined) {
    throw new BrokerStartError(`listener ${other.name} is ${other.protocol}: only PLAINTEXT is supported so far`);
  }
}
