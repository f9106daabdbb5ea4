/** Ways to break the journal. */
import type { Mutant } from "./mutants.ts";

const all: readonly Omit<Mutant, "tests">[] = [
  {
    name: "acknowledges before the sync of the journal returns",
    file: "src/log/journal/journal.ts",
    from: "    await file.sync();\n    return true;",
    to: "    void file.sync();\n    return true;",
  },
  {
    name: "uses a journal file again before the logs in it are synced",
    file: "src/log/journal/journal.ts",
    from: "          while (needs(current, log) && !this.#isOver) {",
    to: "          while (needs(current, log) && this.#isStopped) {",
  },
  {
    name: "uses a journal file again before its retirement is durable",
    file: "src/log/journal/journal.ts",
    from: "        await current.sync();\n",
    to: "",
  },
  {
    name: "begins a journal generation before the last is durable",
    file: "src/log/journal/journal.ts",
    from: "      this.#orFatal(() => full.syncNow());\n",
    to: "",
  },
  {
    name: "does not sync the directory of a new journal file",
    file: "src/log/journal/journal.ts",
    from: "        await file.sync();\n        disk.syncDirectory(this.directory);\n",
    to: "        await file.sync();\n",
  },
  {
    name: "accepts frames of an earlier use of a journal file",
    file: "src/log/journal/journal-format.ts",
    from: "  if (readUint48(bytes, position + 8) !== generation) return null;\n",
    to: "",
  },
  {
    name: "accepts a torn frame",
    file: "src/log/journal/journal-format.ts",
    from: "  if (bytes.readUInt32BE(position) !== crc) return null;\n",
    to: "",
  },
  {
    name: "replays what a cut has made void",
    file: "src/log/journal/replay-plan.ts",
    from: '      if (frame.kind === "void") extents.delete(frame.name);\n      else if',
    to: '      if (frame.kind === "void") continue;\n      if',
  },
  {
    name: "replays what stands before a missing generation",
    file: "src/log/journal/replay-plan.ts",
    from: "    if (before.header.generation !== header.generation - 1) return index;\n",
    to: "    if (before.header.generation !== header.generation - 1) continue;\n",
  },
  {
    name: "removes a replayed journal before what it held is durable",
    file: "src/log/journal/replay.ts",
    from: "    await file.sync();\n  } finally {",
    to: "  } finally {",
  },
  {
    name: "makes void what only the journal holds",
    file: "src/log/journal/journals.ts",
    from: "    log.syncNow();\n    journal.forget(log);",
    to: "    journal.forget(log);",
  },
  {
    name: "cuts before the journal says so durably",
    file: "src/log/journal/journals.ts",
    from: "    journal.forget(log);\n    journal.syncNow();",
    to: "    journal.forget(log);",
  },
  {
    name: "leaves in the journal what was deleted",
    file: "src/log/log-deletions.ts",
    from: "      journals.of(directory)?.forget(log);\n",
    to: "",
  },
  {
    name: "makes a log anew before the deletion of the old one is durable",
    file: "src/log/log-manager.ts",
    from: "    this.#deletions.settle(name);\n",
    to: "",
  },
  {
    name: "journals bytes of a file whose name is not durable",
    file: "src/log/log-files.ts",
    from: "!this.#isNew && !this.#directoryDirty && this.#unsynced.size",
    to: "this.#unsynced.size",
  },
];

export const journalMutants: readonly Mutant[] = all.map(mutant => ({ ...mutant, tests: "journal" }));
