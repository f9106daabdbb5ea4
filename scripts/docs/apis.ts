/** The table of APIs: what there is a schema for. */
import { apis, removedApis } from "../../protocol/apis/index.ts";
import { formatVersions } from "../../protocol/schema.ts";
import { table } from "./markdown.ts";

export function apisDocument(): string {
  const rows = apis.map(api => [
    String(api.key),
    `[${api.name}](../../protocol/apis/${fileName(api.key, api.name)})`,
    formatVersions(api.versions),
    formatVersions(api.advertised),
    formatVersions(api.flexible),
    api.listeners.join(", "),
  ]);
  const removed = [...removedApis].map(([key, name]) => `${key} ${name}`).join(", ");
  return [
    "# APIs",
    "The messages of Apache Kafka 4.3 that there are codecs for, in both directions. *Kafka advertises* is what a Kafka 4.3 broker names in its",
    "ApiVersions reply on these listeners; Samsa never advertises more, and only what it has a handler for.",
    "",
    table(["Key", "API", "Versions", "Kafka advertises", "Flexible", "Listeners"], rows),
    `Keys without versions left: ${removed}.`,
    "",
  ].join("\n");
}

function fileName(key: number, name: string): string {
  const words = name.replace(/(?<=[a-z0-9])(?=[A-Z])/g, "-").toLowerCase();
  return `${String(key).padStart(2, "0")}-${words}.ts`;
}
