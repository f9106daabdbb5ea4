/** Just enough of a TypeScript reader to check rules: code without comments and literals, and imports. */

/** Files by path from the repository's root, `/`-separated. */
export type Tree = ReadonlyMap<string, string>;

export interface Import {
  /** As written. */
  readonly specifier: string;
  /** `import type …`: gone at run time. */
  readonly isTypeOnly: boolean;
  readonly line: number;
}

/** What a keyword or punctuation before a `/` tells: after these it begins a regular expression, after anything else it divides. */
const BEFORE_REGEX =
  /(?:^|[=(,:;!&|?{}[+\-*%<>~^]|\b(?:return|typeof|case|in|of|void|delete|throw|else|do|await|yield))$/;

/**
 * The same text, as long and with the same lines, with comments blanked; and, unless `keepLiterals`, the contents of strings, templates
 * and regular expressions too. Code inside `${}` stays.
 */
export function blank(text: string, options: { keepLiterals?: boolean } = {}): string {
  const output = text.split("");
  const keep = options.keepLiterals ?? false;
  const erase = (from: number, to: number, isLiteral: boolean): void => {
    if (isLiteral && keep) return;
    for (let index = from; index < to; index++) if (output[index] !== "\n") output[index] = " ";
  };
  /** For each open `${`: how many braces are open inside it. */
  const templates: number[] = [];
  let significant = "";
  let position = 0;
  const template = (from: number): number => {
    let index = from;
    while (index < text.length && text[index] !== "`") {
      if (text[index] === "\\") index++;
      else if (text.startsWith("${", index)) {
        erase(from, index, true);
        templates.push(0);
        return index + 2;
      }
      index++;
    }
    erase(from, index, true);
    return index + 1;
  };
  while (position < text.length) {
    const character = text[position]!;
    if (text.startsWith("//", position)) {
      const end = indexOrEnd(text, "\n", position);
      erase(position, end, false);
      position = end;
    } else if (text.startsWith("/*", position)) {
      const end = Math.min(indexOrEnd(text, "*/", position + 2) + 2, text.length);
      erase(position, end, false);
      position = end;
    } else if (character === '"' || character === "'") {
      const end = literalEnd(text, position + 1, character);
      erase(position + 1, end, true);
      significant = character;
      position = end + 1;
    } else if (character === "`") {
      position = template(position + 1);
      significant = "`";
    } else if (character === "}" && templates.at(-1) === 0) {
      templates.pop();
      position = template(position + 1);
      significant = "`";
    } else if (character === "/" && BEFORE_REGEX.test(significant)) {
      const end = regexEnd(text, position + 1);
      erase(position + 1, end, true);
      significant = "/";
      position = end + 1;
    } else {
      if (templates.length > 0 && character === "{") templates[templates.length - 1]!++;
      if (templates.length > 0 && character === "}") templates[templates.length - 1]!--;
      if (!/\s/.test(character)) significant = (significant + character).slice(-12);
      else if (/\w$/.test(significant)) significant = `${significant} `.trimEnd();
      position++;
    }
  }
  return output.join("");
}

/** All imports and re-exports of a file, dynamic ones with a literal too. */
export function importsOf(text: string): Import[] {
  const code = blank(text, { keepLiterals: true });
  // Found in the code without literals, so that a string holding an import statement is none, then read from the code with them.
  const bare = blank(text);
  const imports: Import[] = [];
  const statement =
    /\b(import|export)\b(\s+type\b(?!\s*from\b))?[^;"'`()]*?\bfrom\s*["']|\bimport\s*["']|\bimport\s*\(\s*["']/g;
  for (const match of bare.matchAll(statement)) {
    const start = match.index + match[0].length;
    const end = literalEnd(code, start, code[start - 1]!);
    imports.push({
      specifier: code.slice(start, end),
      isTypeOnly: match[2] !== undefined,
      line: lineAt(text, match.index),
    });
  }
  return imports;
}

/** The file that a relative specifier in `from` names; null for packages and built-in modules. */
export function resolveImport(from: string, specifier: string): string | null {
  if (!specifier.startsWith(".")) return null;
  const parts = from.split("/").slice(0, -1);
  for (const part of specifier.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== ".") parts.push(part);
  }
  return parts.join("/");
}

export function lineAt(text: string, position: number): number {
  let line = 1;
  for (let index = text.indexOf("\n"); index >= 0 && index < position; index = text.indexOf("\n", index + 1)) line++;
  return line;
}

function literalEnd(text: string, from: number, quote: string): number {
  let index = from;
  while (index < text.length && text[index] !== quote && text[index] !== "\n") index += text[index] === "\\" ? 2 : 1;
  return index;
}

function regexEnd(text: string, from: number): number {
  let index = from;
  let inClass = false;
  while (index < text.length && text[index] !== "\n") {
    const character = text[index];
    if (character === "\\") index++;
    else if (character === "[") inClass = true;
    else if (character === "]") inClass = false;
    else if (character === "/" && !inClass) break;
    index++;
  }
  return index;
}

function indexOrEnd(text: string, what: string, from: number): number {
  const index = text.indexOf(what, from);
  return index < 0 ? text.length : index;
}
