/** The configuration's public face. */
export { BrokerConfig, type ConfigLayer, type Role } from "./broker-config.ts";
export { type BrokerConfigName, type BrokerConfigValue, brokerConfigs, isBrokerConfigName } from "./broker-configs.ts";
export { ConfigResourceType, ConfigSource } from "./config-source.ts";
export { CORDONED_LOG_DIRS } from "./cordoned-log-dirs.ts";
export {
  type ConfigEntry,
  type ConfigSynonym,
  type DescribeOptions,
  describeBroker,
  describeClientMetrics,
  describeClusterDefault,
  describeGroup,
  describeTopic,
} from "./describe.ts";
export {
  appendToList,
  checkCordoningUpdate,
  configDefinition,
  subtractFromList,
  validateBrokerConfig,
  validateBrokerUpdate,
  validateClientMetricsConfigs,
} from "./dynamic-update.ts";
export { GroupConfig, type GroupConfigName, validateGroupConfigs } from "./group-config.ts";
export {
  formatAddress,
  formatListener,
  type ListenerConfig,
  parseListener,
  type SecurityProtocol,
} from "./listeners.ts";
export { renderConfigMarkdown } from "./markdown.ts";
export { Password } from "./password.ts";
export { ConfigError, type ConfigProblem } from "./problems.ts";
export type { ConfigFile, ConfigSources } from "./sources.ts";
export {
  TopicConfig,
  type TopicConfigName,
  topicConfigs,
  validateTopicConfig,
  validateTopicConfigs,
} from "./topic-config.ts";
export { formatDouble } from "./values.ts";
