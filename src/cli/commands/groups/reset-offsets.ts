import { ApiError, Errors } from "../../../../protocol/errors.ts";
import type { ClusterClient } from "../../../client/cluster-client.ts";
import { apiFailure, CliFailure, usageFailure } from "../../../client/failure.ts";
import type { Clock } from "../../../platform/platform.ts";
import {
  byPartition,
  type CommittedOffset,
  commitOffsets,
  committedOffsets,
  describeGroup,
  isWithoutMembers,
  UnknownGroupError,
} from "../../client/groups.ts";
import { type CliContext, defineCommand, requireNumber, useCluster, withCluster, withJson } from "../../command.ts";
import { plural, writeJson, writeTable } from "../../output.ts";
import { hasMembers } from "./delete.ts";
import {
  type OffsetTarget,
  parseDatetime,
  parseDuration,
  parseTopicPartitions,
  readOffsetFile,
  resolveTarget,
} from "./offset-targets.ts";

interface OffsetChange {
  readonly topic: string;
  readonly partition: number;
  /** Null when nothing was committed. */
  readonly before: number | null;
  readonly after: number;
}

/** The options that say where to; one of them has to be given. */
interface TargetArguments {
  readonly "to-earliest": boolean | undefined;
  readonly "to-latest": boolean | undefined;
  readonly "to-current": boolean | undefined;
  readonly "to-offset": number | undefined;
  readonly "shift-by": number | undefined;
  readonly "to-datetime": string | undefined;
  readonly "by-duration": string | undefined;
  readonly "from-file": string | undefined;
}

/** `samsa groups reset-offsets` */
export function resetOffsetsCommand(context: CliContext) {
  return defineCommand({
    command: "reset-offsets <group>",
    describe: "Move a group without members to other offsets: a dry run, unless told to execute",
    builder: yargs =>
      withCluster(
        withJson(
          yargs
            .positional("group", { type: "string", demandOption: true, describe: "Its id" })
            .option("topic", {
              alias: "t",
              type: "string",
              array: true,
              describe: "A topic, or topic:0,2 for some of its partitions",
              requiresArg: true,
            })
            .option("all-topics", {
              type: "boolean",
              default: false,
              describe: "All topics that the group has committed offsets of",
            })
            .option("to-earliest", { type: "boolean", describe: "To the start", group: "Where to:" })
            .option("to-latest", { type: "boolean", describe: "To the end", group: "Where to:" })
            .option("to-current", { type: "boolean", describe: "To where it is", group: "Where to:" })
            .option("to-offset", { type: "number", describe: "To this offset", requiresArg: true, group: "Where to:" })
            .option("shift-by", {
              type: "number",
              describe: "By so many records, backwards when negative",
              requiresArg: true,
              group: "Where to:",
            })
            .option("to-datetime", {
              type: "string",
              describe: "To the first record of that time, such as 2026-01-31T08:00:00Z",
              requiresArg: true,
              group: "Where to:",
            })
            .option("by-duration", {
              type: "string",
              describe: "To the first record of that long ago, such as PT1H30M or 7d",
              requiresArg: true,
              group: "Where to:",
            })
            .option("from-file", {
              type: "string",
              describe: "To the offsets in a file of lines topic,partition,offset",
              requiresArg: true,
              group: "Where to:",
            })
            .option("export", {
              type: "boolean",
              default: false,
              describe: "Print the new offsets in the format of --from-file",
            })
            .option("execute", { type: "boolean", default: false, describe: "Do it" })
            .example("$0 groups reset-offsets billing -t orders --to-earliest", "What reading all again would mean")
            .example("$0 groups reset-offsets billing --all-topics --by-duration 2h --execute", "Two hours back"),
        ),
      ),
    handler: async args => {
      checkArguments(args);
      const target = targetOf(args, context.platform.clock);
      await useCluster(context, args, async cluster => {
        const changes = await plannedChanges(cluster, args, target);
        if (args.execute) await execute(cluster, args.group, changes);
        if (args.json) await writeJson(context.terminal, changes);
        else if (args.export) await context.terminal.write(changes.map(exportedLine).join(""));
        else await writeChanges(context, changes);
        if (!args.execute) context.terminal.note("Nothing was changed; --execute does it.\n");
        else context.terminal.note(`Set ${plural(changes.length, "offset")} of group ${args.group}.\n`);
      });
    },
  });
}

interface ScopeArguments extends TargetArguments {
  readonly topic: string[] | undefined;
  readonly "all-topics": boolean;
}

const TARGETS = [
  "to-earliest",
  "to-latest",
  "to-current",
  "to-offset",
  "shift-by",
  "to-datetime",
  "by-duration",
  "from-file",
] as const;

function checkArguments(args: ScopeArguments): void {
  const given = TARGETS.filter(name => args[name] !== undefined && args[name] !== false);
  if (given.length !== 1) {
    const options = TARGETS.map(name => `--${name}`).join(", ");
    throw usageFailure(
      given.length === 0 ? "Where to?" : "There is more than one place to go to.",
      `Give one of ${options}.`,
    );
  }
  requireNumber("to-offset", args["to-offset"], 0);
  requireNumber("shift-by", args["shift-by"], -Number.MAX_SAFE_INTEGER);
  if (args["from-file"] !== undefined) {
    if (args.topic === undefined && !args["all-topics"]) return;
    throw usageFailure("--from-file names the topics itself: leave --topic and --all-topics away.");
  }
  if ((args.topic === undefined) === !args["all-topics"]) {
    throw usageFailure("Of which topics?", "Give --topic, or --all-topics for all that it has committed offsets of.");
  }
}

/** What would be set. `target` is null where a file says it. */
async function plannedChanges(
  cluster: ClusterClient,
  args: ScopeArguments & { readonly group: string },
  target: OffsetTarget | null,
): Promise<OffsetChange[]> {
  const committed = await committedOffsets(cluster, args.group);
  const before = new Map(committed.map(({ topic, partition, offset }) => [`${topic}-${partition}`, offset]));
  const wanted =
    target === null
      ? await readOffsetFile(args["from-file"]!)
      : await wantedOffsets(cluster, args.topic, target, committed);
  return wanted.sort(byPartition).map(({ topic, partition, offset }) => ({
    topic,
    partition,
    before: before.get(`${topic}-${partition}`) ?? null,
    after: offset,
  }));
}

async function wantedOffsets(
  cluster: ClusterClient,
  given: readonly string[] | undefined,
  target: OffsetTarget,
  committed: readonly CommittedOffset[],
): Promise<CommittedOffset[]> {
  const scopes = given?.map(parseTopicPartitions) ?? committedTopics(committed);
  const wanted: CommittedOffset[] = [];
  for (const { topic, partitions } of scopes) {
    const present = (await cluster.topic(topic)).partitions.map(({ partitionIndex }) => partitionIndex);
    const missing = partitions?.find(partition => !present.includes(partition));
    if (missing !== undefined) throw new CliFailure(`Topic ${topic} has no partition ${missing}.`);
    const current = new Map(
      committed.filter(offset => offset.topic === topic).map(({ partition, offset }) => [partition, offset]),
    );
    for (const [partition, offset] of await resolveTarget(cluster, topic, partitions ?? present, target, current)) {
      wanted.push({ topic, partition, offset });
    }
  }
  return wanted;
}

function committedTopics(committed: readonly CommittedOffset[]) {
  return [...Map.groupBy(committed, ({ topic }) => topic)].map(([topic, offsets]) => ({
    topic,
    partitions: offsets.map(({ partition }) => partition),
  }));
}

/** Null when a file says where to. */
function targetOf(args: TargetArguments, clock: Clock): OffsetTarget | null {
  if (args["to-earliest"]) return { kind: "earliest" };
  if (args["to-latest"]) return { kind: "latest" };
  if (args["to-offset"] !== undefined) return { kind: "offset", offset: args["to-offset"] };
  if (args["shift-by"] !== undefined) return { kind: "shift", by: args["shift-by"] };
  if (args["to-datetime"] !== undefined) return { kind: "time", timestampMs: parseDatetime(args["to-datetime"]) };
  if (args["by-duration"] !== undefined) {
    return { kind: "time", timestampMs: Math.max(0, clock.now() - parseDuration(args["by-duration"])) };
  }
  return args["to-current"] ? { kind: "current" } : null;
}

/** A group that is not there yet is made by its first offsets. */
async function execute(cluster: ClusterClient, group: string, changes: readonly OffsetChange[]): Promise<void> {
  try {
    const described = await describeGroup(cluster, group);
    if (!isWithoutMembers(described)) throw hasMembers(group, described.members.length);
  } catch (error) {
    if (!(error instanceof UnknownGroupError)) throw error;
  }
  const offsets = changes.map(({ topic, partition, after }) => ({ topic, partition, offset: after }));
  try {
    if (offsets.length > 0) await commitOffsets(cluster, group, offsets);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    // Somebody joined in between.
    if (error.code === Errors.UNKNOWN_MEMBER_ID) throw new CliFailure(`Group ${group} has members.`);
    throw apiFailure(`Cannot set the offsets of group ${group}`, error.code, error.message);
  }
}

function exportedLine({ topic, partition, after }: OffsetChange): string {
  return `${topic},${partition},${after}\n`;
}

async function writeChanges(context: CliContext, changes: readonly OffsetChange[]): Promise<void> {
  if (changes.length === 0) return context.terminal.write("There is nothing to set.\n");
  await writeTable(
    context.terminal,
    ["topic", "partition", "committed", "new", "change"],
    changes.map(({ topic, partition, before, after }) => [
      topic,
      partition,
      before ?? "-",
      after,
      changeText(before, after),
    ]),
  );
}

function changeText(before: number | null, after: number): string {
  if (before === null) return "-";
  return after > before ? `+${after - before}` : String(after - before);
}
