/** The resource a `samsa configs` command is about: `topic orders`, `broker 1`, `brokers`, `group g`, `client-metrics m`. */

import { usageFailure } from "../../../client/failure.ts";
import { ConfigResourceType } from "../../../config/index.ts";
import type { ConfigResource } from "../../client/configs.ts";

export const resourceKinds = ["topic", "broker", "brokers", "broker-logger", "group", "client-metrics"] as const;

const TYPES: Readonly<Record<string, ConfigResourceType>> = {
  topic: ConfigResourceType.TOPIC,
  broker: ConfigResourceType.BROKER,
  brokers: ConfigResourceType.BROKER,
  "broker-logger": ConfigResourceType.BROKER_LOGGER,
  group: ConfigResourceType.GROUP,
  "client-metrics": ConfigResourceType.CLIENT_METRICS,
};

/** `brokers` stands for the default of all brokers and takes no name; every other kind needs one. Throws a usage failure. */
export function parseResource(kind: string, name: string | undefined): ConfigResource {
  if (kind === "brokers") {
    if (name !== undefined) throw usageFailure(`brokers means all of them; use "broker ${name}" for one.`);
    return { type: ConfigResourceType.BROKER, name: "" };
  }
  if (name === undefined || name === "") throw usageFailure(`Which ${kind}? Give its name after the word ${kind}.`);
  if (kind.startsWith("broker") && !/^\d+$/.test(name))
    throw usageFailure(`${kind} ${name}: expected the broker's number.`);
  return { type: TYPES[kind]!, name };
}
