import { usageFailure } from "../../../client/failure.ts";
import { ConfigSource } from "../../../config/index.ts";
import { type DescribedConfig, describeConfigs } from "../../client/configs.ts";
import { type CliContext, defineCommand, useCluster, withCluster, withJson } from "../../command.ts";
import { writeJson, writeTable } from "../../output.ts";
import { parseResource, resourceKinds } from "./resource.ts";

/** `samsa configs describe` */
export function describeConfigsCommand(context: CliContext) {
  return defineCommand({
    command: "describe <kind> [name]",
    describe: "Show settings: those that somebody set, or all",
    builder: yargs =>
      withCluster(
        withJson(
          yargs
            .positional("kind", {
              type: "string",
              choices: resourceKinds,
              demandOption: true,
              describe: "What the settings are of; brokers means the default of all",
            })
            .positional("name", { type: "string", describe: "Its name or number" })
            .option("all", {
              alias: "a",
              type: "boolean",
              default: false,
              describe: "Show keys at their defaults, too",
            })
            .option("key", { alias: "k", type: "string", array: true, describe: "Only this key", requiresArg: true })
            .option("documentation", { type: "boolean", default: false, describe: "Show what each key means" })
            .example("$0 configs describe topic orders --all", "All settings of a topic"),
        ),
      ),
    handler: async args => {
      const resource = parseResource(args.kind, args.name);
      await useCluster(context, args, async cluster => {
        const options = { includeDocumentation: args.documentation, ...(args.key ? { names: args.key } : {}) };
        const configs = await describeConfigs(cluster, resource, options);
        const unknown = args.key?.find(key => !configs.some(({ name }) => name === key));
        if (unknown !== undefined)
          throw usageFailure(`There is no setting ${unknown} of a ${args.kind}.`, "--all lists all there are.");
        const isShown = ({ configSource }: DescribedConfig): boolean =>
          args.all || args.key !== undefined || configSource !== ConfigSource.DEFAULT_CONFIG;
        const shown = configs.filter(isShown);
        if (args.json) return writeJson(context.terminal, shown.map(describeForPrograms));
        if (shown.length === 0) return context.terminal.write("Nothing is set; --all shows the defaults.\n");
        await writeTable(
          context.terminal,
          ["key", "value", "set by", ...(args.documentation ? ["meaning"] : [])],
          shown.map(config => [
            config.name,
            valueText(config),
            sourceText(config.configSource),
            ...(args.documentation ? [config.documentation] : []),
          ]),
        );
      });
    },
  });
}

function describeForPrograms({
  name,
  value,
  configSource,
  isSensitive,
  readOnly,
  synonyms,
  documentation,
}: DescribedConfig): object {
  return {
    name,
    value,
    source: sourceText(configSource),
    sensitive: isSensitive,
    readOnly,
    synonyms: synonyms.map(synonym => ({
      name: synonym.name,
      value: synonym.value,
      source: sourceText(synonym.source),
    })),
    ...(documentation ? { documentation } : {}),
  };
}

function valueText({ value, isSensitive }: DescribedConfig): string {
  if (isSensitive) return "(hidden)";
  return value === null ? "(unset)" : value === "" ? "(empty)" : value;
}

const SOURCES: Readonly<Record<number, string>> = {
  [ConfigSource.DYNAMIC_TOPIC_CONFIG]: "topic",
  [ConfigSource.DYNAMIC_BROKER_CONFIG]: "broker, dynamic",
  [ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG]: "all brokers, dynamic",
  [ConfigSource.STATIC_BROKER_CONFIG]: "broker, at start",
  [ConfigSource.DEFAULT_CONFIG]: "default",
  [ConfigSource.DYNAMIC_BROKER_LOGGER_CONFIG]: "logger, dynamic",
  [ConfigSource.DYNAMIC_CLIENT_METRICS_CONFIG]: "client metrics",
  [ConfigSource.DYNAMIC_GROUP_CONFIG]: "group",
};

function sourceText(source: number): string {
  return SOURCES[source] ?? `unknown (${source})`;
}
