import { join } from "node:path";
import { CliFailure, usageFailure } from "../../../client/failure.ts";
import { type Disk, DiskError } from "../../../platform/platform.ts";
import { type CliContext, defineCommand } from "../../command.ts";
import { dumpFile, type FileDumpOptions, type FileKind, fileKind } from "../../dump/dump-file.ts";
import { verifyIndexes } from "../../dump/dump-index.ts";
import { type DecoderName, decoderNames } from "../../dump/record-decoder.ts";
import { plural } from "../../output.ts";

/** `samsa log dump`: works on files alone, whether a broker runs or not. */
export function dumpLogCommand(context: CliContext) {
  return defineCommand({
    command: "dump <files..>",
    describe: "Print segments, indexes, snapshots and checkpoints, as kafka-dump-log does",
    builder: yargs =>
      yargs
        .positional("files", {
          type: "string",
          array: true,
          demandOption: true,
          describe: "Files, or directories whose files are meant",
        })
        .option("deep-iteration", {
          alias: "d",
          type: "boolean",
          default: false,
          describe: "Print every record, not only the batches",
        })
        .option("print-data-log", {
          alias: "p",
          type: "boolean",
          default: false,
          describe: "Print keys and values too",
        })
        .option("skip-record-metadata", {
          type: "boolean",
          default: false,
          describe: "Print only keys and values of records",
        })
        .option("decoder", {
          type: "string",
          choices: decoderNames,
          describe: "How keys and values are read; by the directory's name when left out",
        })
        .option("verify-index-only", {
          type: "boolean",
          default: false,
          describe: "Only compare indexes with their segments; print what is wrong",
        })
        .option("max-bytes", {
          type: "number",
          default: Number.MAX_SAFE_INTEGER,
          describe: "Stop after so many bytes of each segment",
          requiresArg: true,
        })
        .example("$0 log dump data/orders-0 --deep-iteration", "All files of a partition"),
    handler: async args => {
      const { disk } = context.platform;
      const files = args.files.flatMap(path => [...findFiles(disk, path)]);
      if (args["verify-index-only"]) return verify(files, context);
      const options: FileDumpOptions = {
        deep: args["deep-iteration"] || args["print-data-log"] || args["skip-record-metadata"],
        printData: args["print-data-log"] || args["skip-record-metadata"],
        skipRecordMetadata: args["skip-record-metadata"],
        maxBytes: args["max-bytes"],
        ...(args.decoder === undefined ? {} : { decoder: args.decoder as DecoderName }),
      };
      for (const { path, kind } of files) {
        let text = "";
        for (const line of dumpFile(path, kind, read(disk, path), options)) {
          if (context.terminal.stop.aborted) return;
          text += `${line}\n`;
          if (text.length < WRITE_SIZE) continue;
          await context.terminal.write(text);
          text = "";
        }
        await context.terminal.write(text);
      }
    },
  });
}

/** Characters written at a time. */
const WRITE_SIZE = 64 * 1024;

interface FoundFile {
  readonly path: string;
  readonly kind: FileKind;
}

/** The file itself, or all known files below a directory, in order. Throws a failure for what cannot be dumped. */
function* findFiles(disk: Disk, path: string): Generator<FoundFile> {
  if (!disk.exists(path)) throw usageFailure(`${path}: there is no such file or directory.`);
  if (disk.status(path).isDirectory) {
    for (const name of disk.list(path)) {
      const inner = join(path, name);
      if (disk.status(inner).isDirectory || fileKind(inner) !== null) yield* findFiles(disk, inner);
    }
    return;
  }
  const kind = fileKind(path);
  if (kind === null)
    throw usageFailure(
      `${path}: not a file of a data directory.`,
      "Segments are named for their first offset, such as 00000000000000000000.log.",
    );
  yield { path, kind };
}

async function verify(files: readonly FoundFile[], { platform: { disk }, terminal }: CliContext): Promise<void> {
  let faultCount = 0;
  // Files that are being deleted or swapped in have a further suffix, and no partners to be compared with.
  const current = files.map(({ path }) => /^(.*\/?\d{20})\.(log|index|timeindex)$/.exec(path)?.[1]);
  const stems = new Set(current.filter(stem => stem !== undefined));
  for (const stem of stems) {
    if (!disk.exists(`${stem}.log`))
      throw usageFailure(`${stem}.log: there is no such file, and the indexes cannot be compared with it.`);
    const index = (suffix: string): Buffer | null =>
      disk.exists(`${stem}${suffix}`) ? read(disk, `${stem}${suffix}`) : null;
    const baseOffset = Number(/\d{20}$/.exec(stem)![0]);
    for (const fault of verifyIndexes(read(disk, `${stem}.log`), index(".index"), index(".timeindex"), baseOffset)) {
      faultCount++;
      await terminal.write(`${stem}.${fault}\n`);
    }
  }
  if (faultCount > 0) {
    throw new CliFailure(
      `${plural(faultCount, "index entry").replace(/entrys$/, "entries")} of ${plural(stems.size, "segment")} do not fit the log.`,
      {
        advice: "Stop the broker and delete the index files: they are made anew from the segments at the next start.",
      },
    );
  }
  await terminal.write(`The indexes of ${plural(stems.size, "segment")} fit the log.\n`);
}

function read(disk: Disk, path: string): Buffer {
  try {
    return disk.readFile(path);
  } catch (error) {
    if (error instanceof DiskError) throw new CliFailure(`${path}: cannot be read (${error.code}).`, { cause: error });
    throw error;
  }
}
