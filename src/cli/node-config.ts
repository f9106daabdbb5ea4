/** What the commands that read a node's configuration share: `samsa start` and `samsa storage format`. */
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import type { ArgumentsOf, Argv } from "yargs";
import { type CliFailure, usageFailure } from "../client/failure.ts";
import { BrokerConfig, ConfigError, type ConfigFile } from "../config/index.ts";
import { type CliContext, parsePairs } from "./command.ts";

/** The options that name a configuration. */
export const nodeConfigOptions = {
  config: {
    alias: "c",
    type: "string",
    array: true,
    describe: "A server.properties file; later ones win",
    requiresArg: true,
  },
  override: { alias: "o", type: "string", array: true, describe: "Any setting, as key=value", requiresArg: true },
} as const;

export type NodeConfigArguments = ArgumentsOf<typeof nodeConfigOptions>;

/** Adds the options that say where the configuration is, and what differs from it. */
export function withNodeConfig<T>(yargs: Argv<T>): Argv<T & NodeConfigArguments> {
  return yargs.options(nodeConfigOptions);
}

/** The configuration that flags, files and environment give. Throws a usage failure when it is not valid. */
export function loadConfig(
  { config: files, override }: Partial<NodeConfigArguments>,
  settings: Readonly<Record<string, string>>,
  { terminal }: CliContext,
): ReturnType<typeof BrokerConfig.parse> {
  const parsed = BrokerConfig.parse({
    files: (files ?? []).map(readConfigFile),
    environment: terminal.environment,
    overrides: { ...Object.fromEntries(parsePairs("override", override)), ...settings },
    hostname: hostname(),
  });
  const { problems } = parsed;
  if (problems.some(({ severity }) => severity === "error")) throw configFailure(new ConfigError(problems));
  return parsed;
}

function readConfigFile(path: string): ConfigFile {
  try {
    return { name: path, text: readFileSync(path, "utf8") };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    throw usageFailure(
      `--config ${path}: ${code === "ENOENT" ? "there is no such file" : `cannot be read (${code})`}.`,
    );
  }
}

function configFailure(error: ConfigError): CliFailure {
  const errors = error.problems.filter(({ severity }) => severity === "error");
  return usageFailure(
    `The configuration is not valid:\n${errors.map(({ message }) => `  ${message}`).join("\n")}`,
    "docs/config.md lists all keys with their types, ranges and defaults.",
  );
}
