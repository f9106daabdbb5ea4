/** Renders docs/cli.md: an introduction, and the help of every command as the command line itself prints it. */
import { Readable } from "node:stream";
import type { Platform } from "../platform/platform.ts";
import { runCli } from "./run.ts";
import type { Terminal } from "./terminal.ts";

const COMMANDS: readonly string[] = [
  "start",
  "topics create",
  "topics list",
  "topics describe",
  "topics alter",
  "topics delete",
  "topics reassign",
  "configs describe",
  "configs alter",
  "groups list",
  "groups describe",
  "groups reset-offsets",
  "groups delete",
  "cluster status",
  "produce",
  "consume",
  "log dump",
  "storage format",
  "storage random-uuid",
  "bench produce",
  "bench consume",
  "bench latency",
  "bench log",
];

/** Wide enough for most descriptions to stay on one line. */
const COLUMNS = 120;

/** The whole page but for the notice above it, ending in a newline. A test compares it with the file. */
export async function renderCliMarkdown(): Promise<string> {
  const sections: string[] = [];
  for (const command of COMMANDS) sections.push(`### samsa ${command}\n\n\`\`\`\n${await help(command)}\n\`\`\`\n`);
  return `${INTRODUCTION}\n${sections.join("\n")}`;
}

const INTRODUCTION = `# The command line

\`npx samsa\`, or \`node dist/src/cli/main.js\` in a clone. One program starts nodes, administers clusters (Samsa's or Apache Kafka's: it speaks
Kafka's protocol and nothing else), writes and reads records, and looks into data directories.

\`\`\`sh
samsa start                                         # a broker on 127.0.0.1:9092, its data in ./data
samsa topics create orders -p 6                     # six partitions
echo '{"key":"a","value":{"total":5},"headers":{"source":"shop"}}' | samsa produce orders --json
samsa consume orders --from earliest --print partition,offset,key,value
samsa configs alter topic orders --set retention.ms=3600000
samsa groups describe billing                       # how far a group has come, and who reads
samsa groups reset-offsets billing -t orders --by-duration 2h --execute
samsa cluster status                                # nodes, leaders, replicas in sync, lag, quorum
samsa log dump data/orders-0 --print-data-log       # what is in the files
samsa bench produce load -n 5000000 --record-size 100   # how fast a cluster takes records
samsa bench latency pings --rate 1000               # percentiles from producer to consumer
samsa bench log                                     # what this machine's disk gives a log
\`\`\`

- **Where.** \`--bootstrap-server host:port\` (\`-b\`) names the cluster; 127.0.0.1:9092 when left out. What fails for a passing reason (a moved
  leader, a lost connection) is tried again until \`--timeout\` milliseconds are over.
- **Output.** Results go to standard output, everything else (errors, progress, the summary of \`produce\` and \`consume\`, a broker's log) to
  standard error. \`--json\` prints results for programs; \`consume --json\` prints what \`produce --json\` reads.
- **Exit codes.** 0 done, 1 failed, 2 wrong usage. A failure says what could not be done, why, and what helps.
- **Stopping.** SIGINT or SIGTERM ends a broker in good order (exit code 0) and a consumer after the record it is at; a second one ends at once.
- **Partitions.** \`produce\` places a key where every Kafka client does by default (murmur2). Records without a key stick to a partition for a
  batch. A partition's records keep their order.
- **Offsets of groups.** \`groups reset-offsets\` and \`groups delete\` say what they would do; \`--execute\` does it. Both want a group without
  members. Targets are kept between a partition's start and its end. \`--export\` prints what \`--from-file\` reads, as kafka-consumer-groups does.
- **Completion.** \`samsa completion >> ~/.bashrc\` (or \`~/.zshrc\`) completes commands and options.
- **Dumps.** \`log dump\` prints what kafka-dump-log prints, in the same words, for segments (\`.log\`), indexes (\`.index\`, \`.timeindex\`,
  \`.txnindex\`), producer and metadata snapshots; records of internal topics are decoded by the name of their directory. Checkpoints are printed
  as they are. It reads files only, and needs no broker.

## Commands
`;

/** The help of one command, without what every command has. */
async function help(command: string): Promise<string> {
  let output = "";
  const terminal: Terminal = {
    input: Readable.from([]),
    environment: {},
    isInputScreen: false,
    isOutputScreen: false,
    isNoteScreen: false,
    columns: COLUMNS,
    stop: new AbortController().signal,
    write: async text => {
      output += text;
    },
    note: () => {},
  };
  // Help never gets as far as touching the platform.
  await runCli([...command.split(" "), "--help"], { terminal, platform: {} as Platform, version: "" });
  return output
    .split("\n")
    .filter(line => !/^ +(-h, --help|--version) /.test(line))
    .map(line => line.trimEnd())
    .join("\n")
    .trim();
}
