/** The command line as a function: arguments in, exit code out. `main.ts` calls it for the process, tests call it in theirs. */
import yargs, { type AnyCommandModule, type Argv } from "yargs";
import { ExitCode, tellFailure, usageFailure } from "../client/failure.ts";
import type { CliContext } from "./command.ts";

/** Runs one command line (without node and script). Never throws; what goes wrong is told on the terminal. */
export async function runCli(args: readonly string[], context: CliContext): Promise<number> {
  const { terminal } = context;
  let output = "";
  try {
    const line = await commandLine(args, context);
    await line.parseAsync(args, {}, (_error, _argv, text) => {
      output += text;
    });
    if (output !== "") await terminal.write(output.endsWith("\n") ? output : `${output}\n`);
    return ExitCode.OK;
  } catch (error) {
    return tellFailure(error, terminal);
  }
}

/** Commands by name; each is loaded when it is called for, so that none waits for the code of the others. */
const commands: readonly {
  name: string;
  describe: string;
  load: (context: CliContext) => Promise<AnyCommandModule>;
}[] = [
  {
    name: "start",
    describe: "Start a node: without any option, a broker on 127.0.0.1:9092 with its data in ./data",
    load: async context => (await import("./commands/start.ts")).startCommand(context),
  },
  {
    name: "topics",
    describe: "Create, list, describe, delete and alter topics",
    load: async context => (await import("./commands/topics/index.ts")).topicsCommand(context),
  },
  {
    name: "configs",
    describe: "Show and change settings of topics, brokers, groups and client metrics",
    load: async context => (await import("./commands/configs/index.ts")).configsCommand(context),
  },
  {
    name: "groups",
    describe: "List, describe and delete consumer groups, and set their offsets",
    load: async context => (await import("./commands/groups/index.ts")).groupsCommand(context),
  },
  {
    name: "cluster",
    describe: "Start a local cluster of several processes, and look at any cluster as a whole",
    load: async context => (await import("./commands/cluster/index.ts")).clusterCommand(context),
  },
  {
    name: "produce <topic> [values..]",
    describe: "Produce records: the values given, else one a line from standard input",
    load: async context => (await import("./commands/produce.ts")).produceCommand(context),
  },
  {
    name: "consume <topic>",
    describe: "Print records, one a line, as they come",
    load: async context => (await import("./commands/consume.ts")).consumeCommand(context),
  },
  {
    name: "log",
    describe: "Look into the files of a data directory",
    load: async context => (await import("./commands/log/index.ts")).logCommand(context),
  },
  {
    name: "storage",
    describe: "Format directories by hand, as kafka-storage does",
    load: async context => (await import("./commands/storage/index.ts")).storageCommand(context),
  },
  {
    name: "bench",
    describe: "Measure this machine and a cluster",
    load: async context => (await import("./commands/bench/index.ts")).benchCommand(context),
  },
];

async function commandLine(args: readonly string[], context: CliContext): Promise<Argv> {
  const line = yargs(args);
  for (const { name, describe, load } of commands) {
    // Completion does not wait for a builder, so there all of them are loaded beforehand.
    const loaded = args.includes("--get-yargs-completions") ? await load(context) : null;
    line.command({
      command: name,
      describe,
      builder: loaded?.builder ?? (async yargs => (await load(context)).builder(yargs)),
      handler: async parsed => (await load(context)).handler(parsed),
    });
  }
  return line
    .scriptName("samsa")
    .usage("$0 <command>\n\nA Kafka-compatible broker and its tools.")
    .completion("completion", "Print a script that completes commands in bash or zsh")
    .demandCommand(1, "Which command? samsa --help lists them.")
    .strict()
    .recommendCommands()
    .parserConfiguration({
      "camel-case-expansion": false,
      "parse-positional-numbers": false,
      "strip-aliased": true,
    })
    .check((parsed, { array }) => checkValues(parsed as Record<string, unknown>, array))
    .locale("en")
    .help()
    .alias("help", "h")
    .version(context.version)
    .wrap(Math.min(context.terminal.columns, 120))
    .epilogue("Settings of the broker: docs/config.md. Exit codes: 0 done, 1 failed, 2 wrong usage.")
    .showHelpOnFail(false)
    .exitProcess(false)
    .fail((message, error) => {
      throw error ?? usageFailure(usageMessage(message), `samsa ${commandWords(args)}--help shows what there is.`);
    });
}

/** Rules for the options of all commands: numbers are numbers, and only lists may be given more than once. */
function checkValues(parsed: Readonly<Record<string, unknown>>, lists: readonly string[]): true {
  for (const [name, value] of Object.entries(parsed)) {
    if (name === "_") continue;
    if (Array.isArray(value) && !lists.includes(name)) throw usageFailure(`--${name} was given more than once.`);
    if ([value].flat().some(Number.isNaN)) throw usageFailure(`--${name}: expected a number.`);
  }
  return true;
}

/** What yargs says, in our words where its own are hard to follow. */
function usageMessage(message: string | null): string {
  if (message === null) return "This is not how it is used.";
  if (message.startsWith("Not enough non-option arguments")) return "An argument is missing.";
  return /[.?!]$/.test(message) ? message : `${message}.`;
}

/** The words before the first option that are names of commands: `topics create `. */
function commandWords(args: readonly string[]): string {
  const isGroup = ["topics", "configs", "groups", "cluster", "log", "storage", "bench"].includes(args[0] ?? "");
  const words = args.slice(0, isGroup ? 2 : 1);
  const isCommand = commands.some(({ name }) => name.split(" ")[0] === args[0]);
  return isCommand && words.every(word => !word.startsWith("-")) ? `${words.join(" ")} ` : "";
}
