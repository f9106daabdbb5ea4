/** The rules of the house, each a function from the tree to what is wrong with it: one sentence each, with the place and what to do. */
import { blank, importsOf, lineAt, resolveImport, type Tree } from "./source.ts";

/** Who stands on whom: a room imports from itself and from rooms of lower levels, never from another room of its own level. */
export const LEVELS: readonly (readonly string[])[] = [
  ["protocol", "src/platform"],
  ["src/config", "src/metrics", "src/logging"],
  ["src/log", "src/raft", "src/rpc", "src/machine"],
  ["src/metadata", "src/client"],
  ["src/replication"],
  ["src/coordinators"],
  ["src/handlers"],
  ["src/server"],
  ["src/broker"],
  ["src/broker.ts"],
  ["src/cluster.ts"],
  ["src/index.ts", "src/cli", "src/console"],
];

/** Shipped code that may talk to the machine directly. */
const PLATFORM = /^src\/(platform|cli)\/|^src\/metrics\/endpoint\.ts$/;

/** Modules of Node that compute and touch nothing. */
const HARMLESS_MODULES = new Set([
  "assert",
  "buffer",
  "crypto",
  "path",
  "path/posix",
  "string_decoder",
  "url",
  "util",
  "zlib",
]);

const INSTEAD: Record<string, string> = {
  fs: "use Disk of the platform",
  "fs/promises": "use Disk of the platform",
  net: "use Network of the platform",
  tls: "use Network of the platform",
  dgram: "use Network of the platform",
  http: "only src/metrics/endpoint.ts serves HTTP",
  https: "only src/metrics/endpoint.ts serves HTTP",
  timers: "use Timers of the platform",
  "timers/promises": "use Timers of the platform",
  perf_hooks: "use Clock.monotonic of the platform",
};

const BANNED_GLOBALS: readonly { readonly pattern: RegExp; readonly instead: string }[] = [
  { pattern: /(?<![.\w$#])Date\.now\b/g, instead: "use Clock.now of the platform" },
  {
    pattern: /(?<![.\w$#])new Date\b(?!\s*\(\s*[^)\s])/g,
    instead: "use Clock.now of the platform (`new Date(ms)` is fine)",
  },
  { pattern: /(?<![.\w$#]|new )Date\s*\(/g, instead: "use Clock.now of the platform" },
  {
    pattern: /(?<![.\w$#])(?:globalThis\.)?(?:set|clear)(?:Timeout|Interval|Immediate)\b/g,
    instead: "use Timers of the platform",
  },
  { pattern: /(?<![.\w$#])Math\.random\b/g, instead: "use Random of the platform" },
  {
    pattern: /\b(?:randomBytes|randomUUID|randomInt|randomFill|randomFillSync|getRandomValues)\b/g,
    instead: "use Random of the platform",
  },
  { pattern: /(?<![.\w$#])performance\./g, instead: "use Clock.monotonic of the platform" },
  { pattern: /(?<![.\w$#])process\./g, instead: "take it as an option; only entry points look at the process" },
  { pattern: /(?<![.\w$#])console\./g, instead: "use the Logger" },
];

/** Imports that go up or across, and rooms that nobody gave a level. */
export function layerViolations(tree: Tree): string[] {
  const violations: string[] = [];
  for (const [path, text] of tree) {
    if (!isShipped(path)) continue;
    const room = roomOf(path);
    const level = levelOf(room);
    if (level < 0) {
      violations.push(`${path}: room ${room} has no level; give it one in LEVELS of test/architecture/rules.ts`);
      continue;
    }
    for (const { specifier, line } of importsOf(text)) {
      const target = resolveImport(path, specifier);
      if (target === null) continue;
      const targetRoom = roomOf(target);
      if (targetRoom === room) continue;
      const targetLevel = levelOf(targetRoom);
      if (!isShipped(target)) {
        violations.push(`${path}:${line}: imports ${target}, which is not shipped`);
      } else if (targetLevel === level) {
        violations.push(
          `${path}:${line}: ${room} imports ${target}, a room of its own level; let them meet through an interface of a lower room`,
        );
      } else if (targetLevel > level) {
        violations.push(
          `${path}:${line}: ${room} (level ${level}) imports ${target} (level ${targetLevel}); imports point down only`,
        );
      }
    }
  }
  return violations;
}

/** Core code that reaches past the platform. */
export function platformViolations(tree: Tree): string[] {
  const violations: string[] = [];
  for (const [path, text] of tree) {
    if (!isShipped(path) || PLATFORM.test(path)) continue;
    for (const { specifier, line } of importsOf(text)) {
      const module = builtinOf(specifier);
      if (module === null || HARMLESS_MODULES.has(module)) continue;
      violations.push(
        `${path}:${line}: imports ${specifier}; ${INSTEAD[module] ?? "give the platform what is needed of it"}`,
      );
    }
    const code = blank(text);
    for (const { pattern, instead } of BANNED_GLOBALS) {
      for (const match of code.matchAll(pattern)) {
        violations.push(`${path}:${lineAt(code, match.index)}: uses ${match[0].trim()}; ${instead}`);
      }
    }
  }
  return violations;
}

/** Shipped code that imports a package which is not installed with it. */
export function dependencyViolations(tree: Tree, dependencies: readonly string[]): string[] {
  const violations: string[] = [];
  for (const [path, text] of tree) {
    if (!isShipped(path)) continue;
    for (const { specifier, line } of importsOf(text)) {
      if (specifier.startsWith(".") || builtinOf(specifier) !== null) continue;
      const name = specifier
        .split("/")
        .slice(0, specifier.startsWith("@") ? 2 : 1)
        .join("/");
      if (!dependencies.includes(name))
        violations.push(`${path}:${line}: imports ${name}, which is not in package.json's dependencies`);
    }
  }
  return violations;
}

/** Files that import each other at run time, as one chain each. */
export function circularImports(tree: Tree): string[] {
  const edges = new Map<string, string[]>();
  for (const [path, text] of tree) {
    const targets = importsOf(text)
      .filter(({ isTypeOnly }) => !isTypeOnly)
      .map(({ specifier }) => resolveImport(path, specifier))
      .filter(target => target !== null && tree.has(target)) as string[];
    edges.set(path, targets);
  }
  const circles: string[] = [];
  const done = new Set<string>();
  const chain: string[] = [];
  const visit = (path: string): void => {
    const start = chain.indexOf(path);
    if (start >= 0) {
      circles.push(
        `${[...chain.slice(start), path].join(" → ")}: imports in a circle; move what both need to a file of its own`,
      );
      return;
    }
    if (done.has(path)) return;
    chain.push(path);
    for (const target of edges.get(path) ?? []) visit(target);
    chain.pop();
    done.add(path);
  };
  for (const path of tree.keys()) visit(path);
  return circles;
}

export interface SizeRules {
  readonly limitOf: (path: string) => number;
  /** Larger files, each with the most lines it may have. To be split rather than raised. */
  readonly exceptions: Readonly<Record<string, number>>;
}

/** Files that outgrew their limit, and exceptions that are needed no more. */
export function sizeViolations(tree: Tree, { limitOf, exceptions }: SizeRules): string[] {
  const violations: string[] = [];
  for (const [path, text] of tree) {
    const lineCount = text.split("\n").length - 1;
    const limit = exceptions[path] ?? limitOf(path);
    if (lineCount > limit) violations.push(`${path}: ${lineCount} lines, at most ${limit}; split it by concept`);
    else if (path in exceptions && lineCount <= limitOf(path)) {
      violations.push(`${path}: ${lineCount} lines need no exception any more; take it out of the table`);
    }
  }
  for (const path of Object.keys(exceptions))
    if (!tree.has(path)) violations.push(`${path}: has an exception and does not exist`);
  return violations;
}

/** Handlers without an API of their number and name. */
export function handlerViolations(tree: Tree): string[] {
  const violations: string[] = [];
  for (const path of tree.keys()) {
    const name = /^src\/handlers\/(\d+-[^/]+\.ts)$/.exec(path)?.[1];
    if (name !== undefined && !tree.has(`protocol/apis/${name}`))
      violations.push(`${path}: there is no protocol/apis/${name}`);
  }
  return violations;
}

const MARKERS: readonly { readonly pattern: RegExp; readonly where: "text" | "code"; readonly what: string }[] = [
  // Written so that these rules do not find themselves.
  {
    pattern: new RegExp("\\b(?:TO" + "DO|FIX" + "ME|XX" + "X)\\b", "g"),
    where: "text",
    what: "do it, or open an issue",
  },
  {
    pattern: new RegExp("@ts-(?:ig" + "nore|no" + "check)\\b", "g"),
    where: "text",
    what: "say the type, or expect the error",
  },
  { pattern: /\bas any\b/g, where: "code", what: "say the type" },
  { pattern: /\b(?:describe|it|context|specify)\.(?:only|skip)\b/g, where: "code", what: "every test runs, or goes" },
  { pattern: /(?<![.\w$])x(?:it|describe|context)\s*\(/g, where: "code", what: "every test runs, or goes" },
  { pattern: /(?<![.\w$])debugger\b(?!\s*[:,)}=.])/g, where: "code", what: "take it out" },
];

/** Leftovers of work in progress. */
export function leftovers(tree: Tree): string[] {
  const violations: string[] = [];
  for (const [path, text] of tree) {
    const code = blank(text);
    for (const { pattern, where, what } of MARKERS) {
      for (const match of (where === "text" ? text : code).matchAll(pattern)) {
        violations.push(`${path}:${lineAt(text, match.index)}: ${match[0].trim()}; ${what}`);
      }
    }
  }
  return violations;
}

function isShipped(path: string): boolean {
  return path.startsWith("src/") || path.startsWith("protocol/");
}

/** `protocol`, `src/log`, `src/broker.ts`. */
function roomOf(path: string): string {
  const [first, second] = path.split("/");
  return first === "src" ? `src/${second}` : first!;
}

function levelOf(room: string): number {
  return LEVELS.findIndex(rooms => rooms.includes(room));
}

/** The name of a module that is part of Node, or null. */
function builtinOf(specifier: string): string | null {
  if (specifier.startsWith("node:")) return specifier.slice("node:".length);
  return specifier in INSTEAD || HARMLESS_MODULES.has(specifier) ? specifier : null;
}
