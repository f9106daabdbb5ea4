/**
 * Brings the dynamic configuration of a broker from the metadata into its {@link BrokerConfig} (KIP-226).
 */
import { type BrokerConfig, ConfigResourceType } from "../config/index.ts";
import type { Logger } from "../logging/logger.ts";
import { ALL_BROKERS, resourceKey } from "./configs-image.ts";
import type { MetadataImage } from "./image.ts";
import type { MetadataStore } from "./metadata-store.ts";

/**
 * Applies what is set for this broker and for all brokers, now and whenever it changes. To be called before anything else subscribes to the
 * store, so that others find the new values in force. Returns the end of it.
 */
export function followDynamicConfigs(
  nodeId: number,
  modules: { readonly store: MetadataStore; readonly config: BrokerConfig; readonly logger: Logger },
): () => void {
  const { store, config, logger } = modules;
  const own = String(nodeId);
  const keys = [own, ALL_BROKERS].map(name => resourceKey(ConfigResourceType.BROKER, name));
  const apply = (image: MetadataImage) => {
    const changed = config.applyDynamic(
      image.configs.of(ConfigResourceType.BROKER, own),
      image.configs.of(ConfigResourceType.BROKER, ALL_BROKERS),
    );
    if (changed.length > 0) logger.info("config.changed", { names: changed });
  };
  if (store.isCaughtUp) apply(store.image);
  return store.subscribe((image, delta) => {
    if (keys.some(key => delta.configs.has(key))) apply(image);
  });
}
