import { usageFailure } from "../../../client/failure.ts";
import { alterConfigs, type ConfigChange, describeResource } from "../../client/configs.ts";
import { type CliContext, defineCommand, parsePairs, useCluster, withCluster } from "../../command.ts";
import { parseResource, resourceKinds } from "./resource.ts";

/** `samsa configs alter` */
export function alterConfigsCommand(context: CliContext) {
  return defineCommand({
    command: "alter <kind> [name]",
    describe: "Change settings while the cluster runs: all of them, or none if one is refused",
    builder: yargs =>
      withCluster(
        yargs
          .positional("kind", {
            type: "string",
            choices: resourceKinds,
            demandOption: true,
            describe: "What the settings are of; brokers means the default of all",
          })
          .positional("name", { type: "string", describe: "Its name or number" })
          .option("set", {
            alias: "s",
            type: "string",
            array: true,
            describe: "Set a key, as name=value",
            requiresArg: true,
          })
          .option("delete", {
            alias: "d",
            type: "string",
            array: true,
            describe: "Take a key away, so that what is below it holds",
            requiresArg: true,
          })
          .option("append", {
            type: "string",
            array: true,
            describe: "Add to a list, as name=value",
            requiresArg: true,
          })
          .option("subtract", {
            type: "string",
            array: true,
            describe: "Take from a list, as name=value",
            requiresArg: true,
          })
          .option("validate-only", { type: "boolean", default: false, describe: "Only check whether it could be done" })
          .example("$0 configs alter topic orders --set retention.ms=3600000", "Keep records for an hour")
          .example("$0 configs alter brokers --set message.max.bytes=2000000", "A default for all brokers"),
      ),
    handler: async args => {
      const resource = parseResource(args.kind, args.name);
      const changes: ConfigChange[] = (args.delete ?? []).map(name => ({ name, operation: "delete", value: null }));
      for (const operation of ["set", "append", "subtract"] as const) {
        for (const [name, value] of parsePairs(operation, args[operation])) changes.push({ name, operation, value });
      }
      if (changes.length === 0)
        throw usageFailure("Nothing to change.", "Give --set, --delete, --append or --subtract.");
      await useCluster(context, args, async cluster => {
        await alterConfigs(cluster, resource, changes, { validateOnly: args["validate-only"] });
        await context.terminal.write(
          `${args["validate-only"] ? "Could alter" : "Altered"} ${describeResource(resource)}.\n`,
        );
      });
    },
  });
}
