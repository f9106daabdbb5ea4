/** Holds the repository to the rules of `architecture/rules.ts`, and those rules to what they are to find. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import {
  circularImports,
  dependencyViolations,
  handlerViolations,
  layerViolations,
  leftovers,
  platformViolations,
  sizeViolations,
} from "./architecture/rules.ts";
import { blank, importsOf, type Tree } from "./architecture/source.ts";

const ROOT = new URL("..", import.meta.url).pathname;
const FOLDERS = ["protocol", "src", "test", "compat-tests", "bench", "scripts"];

/** A file of code reads well up to here; tests are lists of cases and may be longer. */
const LIMIT_LINES = 400;
const TEST_LIMIT_LINES = 600;

/** Files that have outgrown the limit. A number here may only go down. */
const LARGE_FILES: Readonly<Record<string, number>> = {
  "src/coordinators/runtime/shard.ts": 500,
  "src/log/segment.ts": 500,
  "src/raft/driver.ts": 460,
  "src/server/connection.ts": 500,
};

describe("the repository", () => {
  let tree: Tree;

  before(() => {
    tree = readTree();
  });

  it("imports point down only", () => {
    expectNone(layerViolations(tree));
  });

  it("core code reaches the machine through the platform only", () => {
    expectNone(platformViolations(tree));
  });

  it("shipped code imports only what is installed with it", () => {
    const { dependencies } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
    expectNone(dependencyViolations(tree, Object.keys(dependencies)));
  });

  it("no files import each other in a circle", () => {
    expectNone(circularImports(tree));
  });

  it("files stay small", () => {
    const limitOf = (path: string): number => (/^(test|compat-tests)\//.test(path) ? TEST_LIMIT_LINES : LIMIT_LINES);
    expectNone(sizeViolations(tree, { limitOf, exceptions: LARGE_FILES }));
  });

  it("every handler has its API", () => {
    expectNone(handlerViolations(tree));
  });

  it("nothing is left lying about", () => {
    // The rules' own tests hold what the rules look for.
    expectNone(leftovers(new Map([...tree].filter(([path]) => path !== "test/architecture.test.ts"))));
  });
});

describe("layerViolations", () => {
  it("passes imports downwards and within a room", () => {
    expect(
      layerViolations(
        fake({
          "src/log/a.ts":
            'import { b } from "./b.ts";\nimport { P } from "../../protocol/index.ts";\nimport x from "../config/x.ts";',
          "src/log/b.ts": "",
          "src/cli/main.ts": 'import { Broker } from "../broker.ts";',
        }),
      ),
    ).to.deep.equal([]);
  });

  it("finds imports upwards, types and dynamic ones and re-exports too", () => {
    for (const statement of [
      'import { x } from "../server/x.ts";',
      'import type { X } from "../server/x.ts";',
      'export * from "../server/x.ts";',
      'export { x } from "../server/x.ts";',
      'import "../server/x.ts";',
      'const x = await import("../server/x.ts");',
      'import {\n  x,\n  y,\n} from "../server/x.ts";',
    ]) {
      const violations = layerViolations(fake({ "src/log/a.ts": statement }));
      expect(violations, statement).to.have.length(1);
      expect(violations[0]).to.match(/^src\/log\/a\.ts:1: .*imports point down only/);
    }
  });

  it("finds imports across a level, from protocol to anything of ours, and of what is not shipped", () => {
    expect(layerViolations(fake({ "src/log/a.ts": 'import { x } from "../raft/x.ts";' }))[0]).to.include(
      "its own level",
    );
    expect(layerViolations(fake({ "protocol/a.ts": 'import { x } from "../src/platform/x.ts";' }))[0]).to.include(
      "its own level",
    );
    expect(layerViolations(fake({ "src/log/a.ts": 'import { x } from "../../test/x.ts";' }))[0]).to.include(
      "not shipped",
    );
  });

  it("finds rooms without a level", () => {
    expect(layerViolations(fake({ "src/newroom/a.ts": "" }))[0]).to.include("has no level");
  });
});

describe("platformViolations", () => {
  for (const [code, instead] of [
    ['import fs from "node:fs";', "Disk"],
    ['import { readFile } from "fs/promises";', "Disk"],
    ['import type { Socket } from "node:net";', "Network"],
    ['import tls from "node:tls";', "Network"],
    ['import http from "node:http";', "endpoint"],
    ['import { scheduler } from "node:timers/promises";', "Timers"],
    ['import { Worker } from "node:worker_threads";', "platform"],
    ["const now = Date.now();", "Clock"],
    ["const now = new Date();", "Clock"],
    ["const now = new Date;", "Clock"],
    ["const now = Date();", "Clock"],
    ["setTimeout(run, 5);", "Timers"],
    ["const t = globalThis.setInterval(run, 5);", "Timers"],
    ["clearTimeout(t);", "Timers"],
    ["setImmediate(run);", "Timers"],
    ["const x = Math.random();", "Random"],
    ["const id = crypto.randomUUID();", "Random"],
    ["const t = performance.now();", "Clock"],
    ["const home = process.env.HOME;", "option"],
    ["process.nextTick(run);", "option"],
    ["console.log(1);", "Logger"],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: code in a template is what this is about
    ["const text = `at ${Date.now()}`;", "Clock"],
  ] as const) {
    it(`finds ${code}`, () => {
      const violations = platformViolations(fake({ "src/log/a.ts": `\n${code}` }));
      expect(violations).to.have.length(1);
      expect(violations[0])
        .to.match(/^src\/log\/a\.ts:2: /)
        .and.include(instead);
    });
  }

  it("passes mentions in comments, strings and regular expressions, members of that name, and pure modules", () => {
    const text = `
      // Date.now() and setTimeout are banned
      /* Math.random() */
      const a = "Date.now()", b = 'process.env', c = \`console.log\`;
      const d = /process.env["']/.test(a) ? a / b / c : 1;
      const e = timers.setTimeout(1), f = this.#process.env, g = new Date(ms).toISOString(), h = updateDate(1);
      import { createHash } from "node:crypto";
      import zlib from "node:zlib";
    `;
    expect(platformViolations(fake({ "src/log/a.ts": text }))).to.deep.equal([]);
  });

  it("passes the platform and the entry points", () => {
    const text = 'import fs from "node:fs";\nsetTimeout(() => console.log(Date.now()), 1);';
    const paths = [
      "src/platform/a.ts",
      "src/cli/a.ts",
      "src/metrics/endpoint.ts",
      "test/a.ts",
      "bench/a.ts",
      "scripts/a.ts",
    ];
    expect(platformViolations(fake(Object.fromEntries(paths.map(path => [path, text]))))).to.deep.equal([]);
    expect(platformViolations(fake({ "src/metrics/other.ts": text }))).to.have.length(4);
  });
});

describe("dependencyViolations", () => {
  it("finds packages that are not installed with the shipped code", () => {
    const tree = fake({
      "src/cli/a.ts":
        'import yargs from "yargs";\nimport { x } from "@node-rs/crc32/lib";\nimport { expect } from "chai";',
      "test/a.ts": 'import { expect } from "chai";',
    });
    expect(dependencyViolations(tree, ["yargs", "@node-rs/crc32"])).to.deep.equal([
      "src/cli/a.ts:3: imports chai, which is not in package.json's dependencies",
    ]);
  });
});

describe("circularImports", () => {
  it("finds circles of any length, and passes those of types", () => {
    const circle = fake({
      "src/log/a.ts": 'import { b } from "./b.ts";',
      "src/log/b.ts": 'import { c } from "./c.ts";',
      "src/log/c.ts": 'import { a } from "./a.ts";',
    });
    expect(circularImports(circle)).to.have.length(1);
    expect(circularImports(circle)[0]).to.include("src/log/a.ts → src/log/b.ts → src/log/c.ts → src/log/a.ts");
    const types = fake({
      "src/log/a.ts": 'import { b } from "./b.ts";',
      "src/log/b.ts": 'import type { a } from "./a.ts";',
    });
    expect(circularImports(types)).to.deep.equal([]);
  });
});

describe("sizeViolations", () => {
  const rules = { limitOf: () => 3, exceptions: { "src/large.ts": 5 } };

  it("finds files over their limit, exceptions outgrown, needed no more, and gone", () => {
    expect(sizeViolations(fake({ "src/a.ts": "1\n2\n3\n", "src/large.ts": "1\n2\n3\n4\n" }), rules)).to.deep.equal([]);
    expect(
      sizeViolations(fake({ "src/a.ts": "1\n2\n3\n4\n", "src/large.ts": "1\n2\n3\n4\n5\n6\n" }), rules),
    ).to.deep.equal([
      "src/a.ts: 4 lines, at most 3; split it by concept",
      "src/large.ts: 6 lines, at most 5; split it by concept",
    ]);
    expect(sizeViolations(fake({ "src/large.ts": "1\n" }), rules)[0]).to.include("need no exception any more");
    expect(sizeViolations(fake({}), rules)[0]).to.include("does not exist");
  });
});

describe("handlerViolations", () => {
  it("finds a handler without its API", () => {
    const tree = fake({
      "src/handlers/12-heartbeat.ts": "",
      "src/handlers/context.ts": "",
      "src/handlers/99-none.ts": "",
    });
    expect(handlerViolations(tree)).to.have.length(2);
    expect(handlerViolations(new Map([...tree, ["protocol/apis/12-heartbeat.ts", ""]]))).to.have.length(1);
  });
});

describe("leftovers", () => {
  for (const code of [
    "// TODO: later",
    "/* FIXME */",
    "// @ts-ignore",
    "const x = y as any;",
    "it.only(name, test);",
    "describe.skip(name, test);",
    "xit(name, test);",
    "debugger;",
  ]) {
    it(`finds ${code}`, () => {
      expect(leftovers(fake({ "src/a.ts": code }))).to.have.length(1);
    });
  }

  it("passes words in strings and names that only look alike", () => {
    const text =
      'const a = "as any", b = "it.only"; exit(1); iterator.skip(2); autodebugger(3); const x = { debugger: 1 };';
    expect(leftovers(fake({ "src/a.ts": text }))).to.deep.equal([]);
  });
});

describe("blank and importsOf", () => {
  it("keep length and lines, and see through nested templates and regular expressions with quotes", () => {
    const text =
      // biome-ignore lint/suspicious/noTemplateCurlyInString: code in a template is what this is about
      'const a = `x ${f({ b: `y ${c} z` })} w`; // no\nconst r = /[/"`]+/g; const s = "//"; done(a / 2, "q");\n';
    const code = blank(text);
    expect(code).to.have.length(text.length);
    expect(code.split("\n")).to.have.length(3);
    expect(code).to.include("f({ b: `").and.include("{c}").and.include("done(a / 2,");
    expect(code).to.not.match(/[xyzw] |no|q/);
  });

  it("finds no imports in comments and strings", () => {
    const text =
      '// import a from "a";\nconst s = "import b from \'b\'";\nimport type { C } from "c";\nimport d, { type E } from "d";';
    expect(importsOf(text)).to.deep.equal([
      { specifier: "c", isTypeOnly: true, line: 3 },
      { specifier: "d", isTypeOnly: false, line: 4 },
    ]);
  });
});

function fake(files: Record<string, string>): Tree {
  return new Map(Object.entries(files));
}

function expectNone(violations: readonly string[]): void {
  expect(violations.length, `\n  ${violations.join("\n  ")}\n`).to.equal(0);
}

function readTree(): Tree {
  const tree = new Map<string, string>();
  for (const folder of FOLDERS) {
    let names: string[];
    try {
      names = readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" });
    } catch {
      continue;
    }
    for (const name of names.sort()) {
      const path = `${folder}/${name.replaceAll("\\", "/")}`;
      if (path.endsWith(".ts") && !/\/(fixtures|node_modules)\//.test(path))
        tree.set(path, readFileSync(join(ROOT, path), "utf8"));
    }
  }
  return tree;
}
