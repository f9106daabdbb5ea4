import { createReadStream } from "node:fs";
import { CODEC, type CodecName } from "../../../protocol/records/index.ts";
import { CliFailure, usageFailure } from "../../client/failure.ts";
import { partitionerNames } from "../client/partitioner.ts";
import { type Acks, Producer } from "../client/producer.ts";
import { type CliContext, defineCommand, requireNumber, useCluster, withCluster } from "../command.ts";
import { linesOf, untilAborted } from "../lines.ts";
import { plural } from "../output.ts";
import { Progress } from "../progress.ts";
import {
  type Encoding,
  encodings,
  type LineOptions,
  parseHeader,
  parseJsonLine,
  parseLine,
  unescapeOption,
} from "../record-text.ts";

/** `samsa produce` */
export function produceCommand(context: CliContext) {
  return defineCommand({
    command: "produce <topic> [values..]",
    describe: "Produce records: the values given, else one a line from standard input",
    builder: yargs =>
      withCluster(
        yargs
          .positional("topic", { type: "string", demandOption: true, describe: "Where to" })
          .positional("values", { type: "string", array: true, describe: "Values; standard input is not read then" })
          .option("file", {
            alias: "f",
            type: "string",
            describe: "Read this file instead of standard input",
            requiresArg: true,
            group: "Records:",
          })
          .option("json", {
            type: "boolean",
            default: false,
            describe: "Lines are JSON objects: key, value, headers, partition, timestamp",
            group: "Records:",
          })
          .option("key", {
            alias: "k",
            type: "string",
            describe: "The key of every record",
            requiresArg: true,
            conflicts: "key-separator",
            group: "Records:",
          })
          .option("key-separator", {
            alias: "K",
            type: "string",
            describe: "Text between key and value in each line (\\t for a tab)",
            requiresArg: true,
            group: "Records:",
          })
          .option("header", {
            alias: "H",
            type: "string",
            array: true,
            describe: "A header of every record, as name=value",
            requiresArg: true,
            group: "Records:",
          })
          .option("null", {
            alias: "Z",
            type: "string",
            describe: "A key or value of this text is null (a tombstone)",
            requiresArg: true,
            group: "Records:",
          })
          .option("key-encoding", {
            type: "string",
            choices: encodings,
            default: "utf8",
            describe: "How keys stand in the text",
            group: "Records:",
          })
          .option("value-encoding", {
            type: "string",
            choices: encodings,
            default: "utf8",
            describe: "How values stand in the text",
            group: "Records:",
          })
          .option("partition", {
            alias: "p",
            type: "number",
            describe: "Send all records there",
            requiresArg: true,
            group: "Delivery:",
          })
          .option("partitioner", {
            type: "string",
            choices: partitionerNames,
            default: "key-hash",
            describe: "How partitions are chosen",
            group: "Delivery:",
          })
          .option("acks", {
            alias: "a",
            type: "string",
            choices: ["all", "1", "0"],
            default: "all",
            describe: "Who must have a record before it counts as sent",
            group: "Delivery:",
          })
          .option("codec", {
            alias: "z",
            type: "string",
            choices: Object.keys(CODEC),
            default: "none",
            describe: "Compression",
            group: "Delivery:",
          })
          .option("level", {
            type: "number",
            describe: "Of compression, on the codec's own scale",
            requiresArg: true,
            group: "Delivery:",
          })
          .option("batch-size", {
            type: "number",
            default: 262_144,
            describe: "Bytes of a batch before compression",
            requiresArg: true,
            group: "Delivery:",
          })
          .option("linger", {
            type: "number",
            default: 5,
            describe: "Milliseconds a record waits for others",
            requiresArg: true,
            group: "Delivery:",
          })
          .option("create", {
            type: "boolean",
            default: true,
            describe: "Let the broker create the topic if it is missing and it may",
            group: "Delivery:",
          })
          .option("quiet", { alias: "q", type: "boolean", default: false, describe: "No progress and no summary" })
          .example("$0 produce orders hello world", "Two records")
          .example("$0 produce orders -K : -z zstd < lines.txt", "Lines of key:value, compressed"),
      ),
    handler: async args => {
      requireNumber("batch-size", args["batch-size"], 1);
      requireNumber("linger", args.linger, 0);
      requireNumber("partition", args.partition, 0);
      if (args.values?.length && args.file !== undefined) throw usageFailure("Give values or --file, not both.");
      const options: LineOptions = {
        headers: (args.header ?? []).map(parseHeader),
        keyEncoding: args["key-encoding"] as Encoding,
        valueEncoding: args["value-encoding"] as Encoding,
        ...(args["key-separator"] === undefined ? {} : { keySeparator: unescapeOption(args["key-separator"]) }),
        ...(args.key === undefined ? {} : { key: args.key }),
        ...(args.partition === undefined ? {} : { partition: args.partition }),
        ...(args.null === undefined ? {} : { nullMarker: args.null }),
      };
      const { terminal, platform } = context;
      await useCluster(context, args, async cluster => {
        const producer = await Producer.open(cluster, args.topic, {
          acks: ACKS[args.acks]!,
          codec: args.codec as CodecName,
          ...(args.level === undefined ? {} : { level: args.level }),
          partitioner: args.partitioner,
          batchSizeBytes: args["batch-size"],
          lingerMs: args.linger,
          createTopic: args.create,
        });
        const isTyped = terminal.isInputScreen && !args.values?.length && args.file === undefined;
        if (isTyped && !args.quiet) terminal.note("One record a line; Ctrl-D ends.\n");
        const progress = new Progress(terminal, platform, !args.quiet && !isTyped);
        let sent = 0;
        producer.onDelivered = ({ recordCount, sizeBytes }) => progress.add(recordCount, sizeBytes);
        try {
          const lines = args.values?.length
            ? args.values
            : linesOf(args.file === undefined ? terminal.input : createReadStream(args.file));
          for await (const line of untilAborted(lines, terminal.stop)) {
            sent++;
            await producer.send(args.json ? parseJsonLine(line, sent, options) : parseLine(line, sent, options));
          }
          await producer.flush();
        } catch (error) {
          throw deliveryFailure(cluster.asFailure(error), progress.recordCount);
        } finally {
          progress.stop();
        }
        if (!args.quiet) terminal.note(`Produced ${progress.summary()} to ${args.topic}.\n`);
      });
    },
  });
}

const ACKS: Readonly<Record<string, Acks>> = { all: -1, "1": 1, "0": 0 };

/** Says how much had been acknowledged before it went wrong. */
function deliveryFailure(error: unknown, delivered: number): unknown {
  if ((error as NodeJS.ErrnoException).code === "ENOENT")
    return new CliFailure(`Cannot read ${(error as NodeJS.ErrnoException).path}: there is no such file.`);
  if (!(error instanceof CliFailure) || delivered === 0) return error;
  const { advice, exitCode } = error;
  return new CliFailure(`${error.message} ${plural(delivered, "record")} had been acknowledged before.`, {
    exitCode,
    cause: error,
    ...(advice === null ? {} : { advice }),
  });
}
