/** The public face of the logging room. */
export {
  createLogger,
  LOG_LEVELS,
  type LogEntry,
  type LogFields,
  type LogFormat,
  type Logger,
  type LoggerOptions,
  type LogLevel,
  type LogThreshold,
  type MemoryLogger,
  memoryLogger,
  nullLogger,
} from "./logger.ts";
export { isSecretName, REDACTED } from "./redact.ts";
