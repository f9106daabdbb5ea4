/** The programs of docs/library.md and docs/log.md, run as they stand there. */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect } from "chai";

const ROOT = new URL("../../../", import.meta.url);
/** What the programs import: the package's face, and sources by their path from docs/. */
const IMPORTS: readonly (readonly [RegExp, string])[] = [
  [/"samsa\/log"/g, JSON.stringify(new URL("src/log/library.ts", ROOT).href)],
  [/"\.\.\/([\w/-]+\.ts)"/g, `"${ROOT.href}$1"`],
];

for (const page of ["docs/library.md", "docs/log.md"]) {
  const text = readFileSync(new URL(page, ROOT), "utf8");
  const programs = [...text.matchAll(/```ts\n(.*?)```\n\n```text\n(.*?)```/gs)];

  describe(page, () => {
    let folder: string;
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), "samsa-guide-"));
    });
    afterEach(() => rmSync(folder, { recursive: true }));

    it("shows the output of each of its programs", () => {
      expect(programs).to.have.length(text.match(/```ts/g)!.length);
    });

    for (const [index, [, program, output]] of programs.entries()) {
      it(`program ${index + 1} prints what it says`, async () => {
        const script = join(folder, "program.ts");
        writeFileSync(
          script,
          IMPORTS.reduce((source, [from, to]) => source.replace(from, to), program!),
        );
        const directory = join(folder, "log");
        mkdirSync(directory);
        const { stdout } = await promisify(execFile)(process.execPath, [script, directory]);
        expect(stdout).to.equal(output);
      });
    }
  });
}
