/** Reading and changing the settings of topics, brokers, groups and client metrics subscriptions. */
import { DescribeConfigs } from "../../../protocol/apis/32-describe-configs.ts";
import { IncrementalAlterConfigs } from "../../../protocol/apis/44-incremental-alter-configs.ts";
import type { ResponseOf } from "../../../protocol/schema.ts";
import type { ClusterClient } from "../../client/cluster-client.ts";
import { throwOnError } from "../../client/failure.ts";
import { ConfigResourceType } from "../../config/index.ts";

/** `name` is empty for the default of all brokers. */
export interface ConfigResource {
  readonly type: ConfigResourceType;
  readonly name: string;
}

const OPERATIONS = { set: 0, delete: 1, append: 2, subtract: 3 } as const;

export interface ConfigChange {
  readonly name: string;
  readonly operation: keyof typeof OPERATIONS;
  /** Null only with `delete`. */
  readonly value: string | null;
}

export type DescribedConfig = ResponseOf<typeof DescribeConfigs>["results"][number]["configs"][number];

/** The settings of a resource with synonyms; sorted by name. Throws a failure. */
export async function describeConfigs(
  cluster: ClusterClient,
  resource: ConfigResource,
  options: { names?: readonly string[]; includeDocumentation?: boolean } = {},
): Promise<DescribedConfig[]> {
  const { results } = await cluster.retry(() =>
    cluster.request(
      DescribeConfigs,
      {
        resources: [
          {
            resourceType: resource.type,
            resourceName: resource.name,
            configurationKeys: options.names ? [...options.names] : null,
          },
        ],
        includeSynonyms: true,
        includeDocumentation: options.includeDocumentation ?? false,
      },
      nodeOf(resource),
    ),
  );
  throwOnError(`Cannot describe ${describeResource(resource)}`, results[0]!.errorCode, results[0]!.errorMessage);
  return results[0]!.configs.sort((left, right) => (left.name < right.name ? -1 : 1));
}

/** Changes settings of a resource, all or none. Throws a failure. */
export async function alterConfigs(
  cluster: ClusterClient,
  resource: ConfigResource,
  changes: readonly ConfigChange[],
  { validateOnly = false } = {},
): Promise<void> {
  const configs = changes.map(({ name, operation, value }) => ({
    name,
    configOperation: OPERATIONS[operation],
    value,
  }));
  const { responses } = await cluster.retry(() =>
    cluster.request(
      IncrementalAlterConfigs,
      { resources: [{ resourceType: resource.type, resourceName: resource.name, configs }], validateOnly },
      nodeOf(resource),
    ),
  );
  throwOnError(`Cannot alter ${describeResource(resource)}`, responses[0]!.errorCode, responses[0]!.errorMessage);
}

/** `topic orders`, `broker 1`, `the default of all brokers`. */
export function describeResource({ type, name }: ConfigResource): string {
  if (type === ConfigResourceType.BROKER && name === "") return "the default of all brokers";
  const kind = Object.entries(ConfigResourceType).find(([, code]) => code === type)?.[0] ?? "resource";
  return `${kind.toLowerCase().replace("_", " ")} ${name}`;
}

/** A broker answers for its own settings only. */
function nodeOf({ type, name }: ConfigResource): { node?: number } {
  const isOfBroker = type === ConfigResourceType.BROKER || type === ConfigResourceType.BROKER_LOGGER;
  return isOfBroker && name !== "" ? { node: Number(name) } : {};
}
