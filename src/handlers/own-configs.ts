/** Changes of a broker's own configuration that only that broker can judge: requests for it are sent to it. */
import { ApiError, Errors } from "../../protocol/errors.ts";
import { CORDONED_LOG_DIRS, ConfigResourceType, ConfigSource, checkCordoningUpdate } from "../config/index.ts";
import type { HandlerContext } from "./context.ts";

/** A resource of AlterConfigs, or of IncrementalAlterConfigs, which has operations. */
interface Resource {
  readonly resourceType: number;
  readonly resourceName: string;
  readonly configs: readonly {
    readonly name: string;
    readonly value: string | null;
    readonly configOperation?: number;
  }[];
}

/** `configOperation` of IncrementalAlterConfigs. */
const [SET, APPEND] = [0, 2];

/** Throws `ApiError` INVALID_REQUEST, as Kafka answers, when `cordoned.log.dirs` of this broker is to name what is no log directory of it. */
export function checkOwnConfigs(resources: readonly Resource[], { services: { config } }: HandlerContext): void {
  for (const { resourceType, resourceName, configs } of resources) {
    if (resourceType !== ConfigResourceType.BROKER || resourceName !== String(config.nodeId)) continue;
    for (const { name, value, configOperation = SET } of configs) {
      if (name !== CORDONED_LOG_DIRS || value === null || (configOperation !== SET && configOperation !== APPEND))
        continue;
      const current = config.textAt(ConfigSource.DYNAMIC_BROKER_CONFIG, CORDONED_LOG_DIRS);
      const complaint = checkCordoningUpdate(
        { value, isAppended: configOperation === APPEND },
        current,
        config.logDirs,
      );
      if (complaint !== null) throw new ApiError(Errors.INVALID_REQUEST, complaint);
    }
  }
}
