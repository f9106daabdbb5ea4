/** Keeps log directories cordoned as the configuration of now says (KIP-1066), once the cluster's `metadata.version` knows of that. */
import type { BrokerConfig } from "../config/index.ts";
import type { LogDirectory } from "../log/index.ts";
import type { Logger } from "../logging/index.ts";
import { MetadataVersion, metadataVersionOf } from "../metadata/features.ts";
import type { MetadataStore } from "../metadata/metadata-store.ts";

export interface CordoningModules {
  readonly config: BrokerConfig;
  /** With its directories open. */
  readonly logs: { readonly directories: readonly Pick<LogDirectory, "path" | "isCordoned">[] };
  readonly metadata: Pick<MetadataStore, "image" | "subscribe">;
  readonly logger: Logger;
}

/** Cordons now and with every change of the setting or the version; `onChanged` is called after each but the first. Returns the end of it. */
export function followCordoning(
  { config, logs, metadata, logger }: CordoningModules,
  onChanged: () => void,
): () => void {
  let cordoned: readonly string[] = [];
  const apply = (): boolean => {
    const isKnown = metadataVersionOf(metadata.image) >= MetadataVersion.CORDONED_DIRECTORIES;
    const paths = isKnown ? config.cordonedLogDirs : [];
    if (paths.length === cordoned.length && paths.every(path => cordoned.includes(path))) return false;
    cordoned = paths;
    for (const directory of logs.directories) directory.isCordoned = paths.includes(directory.path);
    logger.info("log.directories-cordoned", { directories: paths });
    return true;
  };
  apply();
  const follow = () => {
    if (apply()) onChanged();
  };
  const ends = [config.subscribe(follow), metadata.subscribe(follow)];
  return () => {
    for (const end of ends) end();
  };
}
