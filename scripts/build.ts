/**
 * `npm run build`, after the compiler: bundles the command line, so that a broker starts from a dozen files instead of some four hundred.
 *
 * `dist/src` and `dist/protocol` hold the library, a module a file, with types. `dist/bundle` holds the program; `dist/src/cli/main.js`, which
 * is what `samsa` runs, hands over to it. Packages with native parts stay outside, and so does nothing else: what is slow to load and seldom
 * needed is loaded at its first use.
 */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { build, type Plugin } from "esbuild";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const BUNDLE = join(ROOT, "dist/bundle");
const PROGRAM = join(ROOT, "dist/src/cli/main.js");

/** Packages with native parts: found at run time, where npm installed the right ones for the machine. */
const NATIVE_PACKAGES = ["@node-rs/crc32", "snappy", "lz4-napi"];

/** The first line of a file of the bundle that needs it. */
const REQUIRE =
  'import { createRequire as $createRequire } from "node:module"; const require = $createRequire(import.meta.url);';

/** Modules of which a start needs next to nothing: what stands in their place and calls `real()` when there is need. */
const LAZY_MODULES: Readonly<Record<string, string>> = {
  "lz4-napi": "export const compressSync = (...values) => real().compressSync(...values);",
  snappy: "export const compressSync = (...values) => real().compressSync(...values);",
  assert: `export const strictEqual = (...values) => real().strictEqual(...values);
    export const notStrictEqual = (...values) => real().notStrictEqual(...values);`,
  // Streams and messages between threads: 3 ms, which a broker needs when it first compacts.
  "node:worker_threads": "export const Worker = function (...values) { return new (real().Worker)(...values); };",
  // It compiles regular expressions of all emoji, some 15 ms; yargs asks for the width of its help texts at every start.
  "string-width": `export default (text, options) =>
    /^[\\x20-\\x7e]*$/.test(text) ? text.length : real().default(text, options);`,
};

/** Puts in the place of {@link LAZY_MODULES} what loads them at their first use. */
const lazily: Plugin = {
  name: "lazily",
  setup({ onResolve, onLoad }) {
    onResolve(
      { filter: new RegExp(`^(${Object.keys(LAZY_MODULES).join("|")})$`) },
      ({ path, importer, kind, resolveDir }) =>
        // `require` asks for the real one: it is what `real` does.
        kind === "require-call" || importer === "" ? undefined : { path, namespace: "lazily", pluginData: resolveDir },
    );
    onLoad({ filter: /.*/, namespace: "lazily" }, ({ path, pluginData }) => ({
      contents: `const real = () => require("${path}");\n${LAZY_MODULES[path]}`,
      resolveDir: pluginData,
    }));
  },
};

/** A module that asks where it lies is told where its twin in `dist/src` does: that is what paths in it are relative to. */
const ownUrls: Plugin = {
  name: "own urls",
  setup({ onLoad }) {
    onLoad({ filter: /[\\/](src|protocol)[\\/].*\.ts$/ }, ({ path }) => {
      const source = readFileSync(path, "utf8");
      if (!source.includes("import.meta.url") || path.includes("node_modules")) return undefined;
      const twin = join(ROOT, "dist", relative(ROOT, path)).replace(/\.ts$/, ".js");
      const fromBundle = relative(BUNDLE, twin).split(sep).join("/");
      return {
        contents: source.replaceAll("import.meta.url", `new URL("${fromBundle}", import.meta.url).href`),
        loader: "ts",
      };
    });
  },
};

rmSync(BUNDLE, { recursive: true, force: true });
const { metafile } = await build({
  entryPoints: [join(ROOT, "src/cli/main.ts")],
  absWorkingDir: ROOT,
  outdir: BUNDLE,
  bundle: true,
  splitting: true,
  chunkNames: "[name]-[hash]",
  format: "esm",
  platform: "node",
  target: "node22.18",
  external: NATIVE_PACKAGES,
  plugins: [lazily, ownUrls],
  // Bundled CommonJS packages, and the lazy ones, want a `require`.
  banner: { js: REQUIRE },
  // A third less to read and to decode at each start. Names stay, and lines are short enough for a stack trace to say where: with
  // `--enable-source-maps` it says so of the sources.
  minifyWhitespace: true,
  lineLimit: 160,
  sourcemap: true,
  sourcesContent: false,
  metafile: true,
  logLevel: "warning",
});
for (const path of Object.keys(metafile.outputs)) {
  const text = path.endsWith(".js") ? readFileSync(join(ROOT, path), "utf8") : "";
  const own = text.slice(REQUIRE.length);
  // An empty line stays where it was: the source map counts lines.
  if (text.startsWith(REQUIRE) && !/\brequire\b/.test(own)) writeFileSync(join(ROOT, path), own);
}
const handOver = relative(dirname(PROGRAM), join(BUNDLE, "main.js")).split(sep).join("/");
writeFileSync(PROGRAM, `#!/usr/bin/env node\nimport "${handOver}";\n`);

const sizeBytes = Object.entries(metafile.outputs)
  .filter(([path]) => path.endsWith(".js"))
  .reduce((sum, [, { bytes }]) => sum + bytes, 0);
console.log(`bundled ${(sizeBytes / 1024).toFixed(0)} KiB into dist/bundle`);
