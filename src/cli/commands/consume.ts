import type { ClusterClient } from "../../client/cluster-client.ts";
import { usageFailure } from "../../client/failure.ts";
import { consume } from "../client/consumer.ts";
import { GroupReader } from "../client/group-reader.ts";
import { type CliContext, defineCommand, requireNumber, useCluster, withCluster } from "../command.ts";
import { parsePlace, resolvePlace } from "../positions.ts";
import { Progress } from "../progress.ts";
import {
  type Encoding,
  encodings,
  type FormatOptions,
  formatJsonLine,
  formatLine,
  parseFields,
  unescapeOption,
} from "../record-text.ts";

/** `samsa consume` */
export function consumeCommand(context: CliContext) {
  return defineCommand({
    command: "consume <topic>",
    describe: "Print records, one a line, as they come",
    builder: yargs =>
      withCluster(
        yargs
          .positional("topic", { type: "string", demandOption: true, describe: "Where from" })
          .option("partition", {
            alias: "p",
            type: "number",
            array: true,
            describe: "Only this partition",
            requiresArg: true,
            group: "Which records:",
          })
          .option("group", {
            alias: "g",
            type: "string",
            describe: "Share the topic with the other members of this consumer group, and commit what was printed",
            requiresArg: true,
            group: "Which records:",
          })
          .option("from", {
            alias: "o",
            type: "string",
            default: "latest",
            describe:
              "Where to begin, in a group where it has committed nothing: earliest, latest, an offset, -n (the last n), @milliseconds, or a time",
            requiresArg: true,
            group: "Which records:",
          })
          .option("from-beginning", {
            type: "boolean",
            default: false,
            describe: "As --from earliest",
            group: "Which records:",
          })
          .option("to", {
            type: "string",
            describe: "Where to end, likewise; that record is left out",
            requiresArg: true,
            group: "Which records:",
          })
          .option("exit-at-end", {
            alias: "e",
            type: "boolean",
            default: false,
            describe: "End where each partition ended when the command began",
            group: "Which records:",
          })
          .option("max-messages", {
            alias: "n",
            type: "number",
            describe: "End after so many records",
            requiresArg: true,
            group: "Which records:",
          })
          .option("committed", {
            type: "boolean",
            default: false,
            describe: "Leave out records of open and aborted transactions",
            group: "Which records:",
          })
          .option("json", {
            type: "boolean",
            default: false,
            describe: "Print each record as a JSON object, which samsa produce --json reads",
            group: "Output:",
          })
          .option("print", {
            type: "string",
            default: "value",
            describe: "What to print of each: topic, partition, offset, timestamp, key, value, headers",
            requiresArg: true,
            group: "Output:",
          })
          .option("separator", {
            alias: "S",
            type: "string",
            default: "\\t",
            describe: "Text between those",
            requiresArg: true,
            group: "Output:",
          })
          .option("null", {
            alias: "Z",
            type: "string",
            default: "null",
            describe: "What a null key or value prints as",
            requiresArg: true,
            group: "Output:",
          })
          .option("key-encoding", {
            type: "string",
            choices: encodings,
            default: "utf8",
            describe: "How keys are printed",
            group: "Output:",
          })
          .option("value-encoding", {
            type: "string",
            choices: encodings,
            default: "utf8",
            describe: "How values are printed",
            group: "Output:",
          })
          .option("quiet", {
            alias: "q",
            type: "boolean",
            default: false,
            describe: "No progress and no summary",
            group: "Output:",
          })
          .example("$0 consume orders --from -10 -e --print key,value", "The last ten records of each partition")
          .example("$0 consume orders --group billing --from earliest", "As a member of a consumer group")
          .example("$0 consume orders --from 2026-01-31T08:00:00Z --json", "Everything since then"),
      ),
    handler: async args => {
      requireNumber("max-messages", args["max-messages"], 1);
      for (const partition of args.partition ?? []) requireNumber("partition", partition, 0);
      if (args["exit-at-end"] && args.to !== undefined) throw usageFailure("Give --to or --exit-at-end, not both.");
      if (args.group !== undefined && args.partition !== undefined) {
        throw usageFailure(
          "Give --group or --partition, not both.",
          "The group's coordinator says who reads which partition.",
        );
      }
      const format: FormatOptions = {
        topic: args.topic,
        fields: parseFields(args.print),
        separator: unescapeOption(args.separator),
        keyEncoding: args["key-encoding"] as Encoding,
        valueEncoding: args["value-encoding"] as Encoding,
        nullMarker: args.null,
      };
      const from = parsePlace("from", args["from-beginning"] ? "earliest" : args.from);
      const to = args["exit-at-end"]
        ? parsePlace("to", "latest")
        : args.to === undefined
          ? null
          : parsePlace("to", args.to);
      const { terminal, platform } = context;
      await useCluster(context, args, async cluster => {
        const partitions = args.partition ?? (await partitionsOf(cluster, args.topic));
        const committedOnly = args.committed;
        const begin = (some: readonly number[]) => resolvePlace(cluster, args.topic, some, from, { committedOnly });
        const end = to === null ? null : await resolvePlace(cluster, args.topic, partitions, to, { committedOnly });
        const tellAssigned = (owned: readonly number[]): void => {
          if (args.quiet) return;
          const what = owned.length === 0 ? "no partitions" : `partitions ${owned.join(", ")}`;
          terminal.note(`Reading ${what} of ${args.topic} as a member of ${args.group}.\n`);
        };
        const progress = new Progress(terminal, platform, !args.quiet && !terminal.isOutputScreen);
        try {
          const common = { topic: args.topic, ...(end ? { end } : {}), committedOnly, signal: terminal.stop };
          const { group } = args;
          const member =
            group === undefined
              ? null
              : new GroupReader({ ...common, group, begin, onAssigned: tellAssigned }, cluster);
          const reading = member?.read() ?? consume(cluster, { ...common, start: await begin(partitions) });
          for await (const records of reading) {
            const wanted = records.slice(0, (args["max-messages"] ?? Number.POSITIVE_INFINITY) - progress.recordCount);
            const text = wanted
              .map(record => `${args.json ? formatJsonLine(record, format) : formatLine(record, format)}\n`)
              .join("");
            progress.add(wanted.length, text.length);
            await terminal.write(text);
            await member?.commit(wanted);
            if (progress.recordCount === args["max-messages"]) break;
          }
        } finally {
          progress.stop();
        }
        if (!args.quiet && (terminal.isNoteScreen || !terminal.isOutputScreen))
          terminal.note(`Consumed ${progress.summary()} from ${args.topic}.\n`);
      });
    },
  });
}

async function partitionsOf(cluster: ClusterClient, topic: string): Promise<number[]> {
  const { partitions } = await cluster.topic(topic);
  return partitions.map(({ partitionIndex }) => partitionIndex).sort((left, right) => left - right);
}
