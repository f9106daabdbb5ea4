/**
 * Java's `.properties` format, whole: comments (`#`, `!`), `=`, `:` or blank as separator, line continuation, escapes (`\t \n \r \f \uXXXX`,
 * any other escaped character stands for itself), CR, LF and CRLF line ends.
 *
 * @example
 * parseProperties("log.dirs = /a,\\\n          /b\n").map(({ key, value }) => [key, value]) // [["log.dirs", "/a,/b"]]
 */
export interface Property {
  readonly key: string;
  readonly value: string;
  /** Of the line the entry begins on, from 1. */
  readonly lineNumber: number;
}

/** Entries in the file's order; a key that stands twice is there twice (the later one wins in Java). A malformed `\u` escape stays as it is. */
export function parseProperties(text: string): Property[] {
  const properties: Property[] = [];
  for (const { content, lineNumber } of logicalLines(text)) {
    const keyEnd = findKeyEnd(content);
    properties.push({
      key: unescapeProperty(content.slice(0, keyEnd)),
      value: unescapeProperty(content.slice(findValueStart(content, keyEnd))),
      lineNumber,
    });
  }
  return properties;
}

/** One `key=value` line that {@link parseProperties} reads back to exactly the same texts. */
export function formatProperty(key: string, value: string): string {
  return `${escapeProperty(key, true)}=${escapeProperty(value, false)}`;
}

/** Joins continued lines, drops blank ones and comments. Blanks at the start of each line, continued or not, do not count. */
function* logicalLines(text: string): Generator<{ content: string; lineNumber: number }> {
  const lines = text.split(/\r\n|\r|\n/);
  for (let index = 0; index < lines.length; index++) {
    const lineNumber = index + 1;
    let content = trimStart(lines[index]!);
    if (content === "" || content.startsWith("#") || content.startsWith("!")) continue;
    while (endsInOddBackslashes(content)) {
      content = content.slice(0, -1);
      if (index + 1 === lines.length) break;
      content += trimStart(lines[++index]!);
    }
    if (content !== "") yield { content, lineNumber };
  }
}

function findKeyEnd(content: string): number {
  for (let position = 0; position < content.length; position++) {
    const character = content[position]!;
    if (character === "\\") position++;
    else if (character === "=" || character === ":" || isBlank(character)) return position;
  }
  return content.length;
}

/** Blanks, then at most one `=` or `:`, then blanks. */
function findValueStart(content: string, keyEnd: number): number {
  let position = keyEnd;
  while (position < content.length && isBlank(content[position]!)) position++;
  if (content[position] === "=" || content[position] === ":") position++;
  while (position < content.length && isBlank(content[position]!)) position++;
  return position;
}

const CONTROL_ESCAPES: Readonly<Record<string, string>> = { t: "\t", n: "\n", r: "\r", f: "\f" };

function unescapeProperty(text: string): string {
  return text.replace(/\\(u([0-9a-fA-F]{4})|[\s\S]|$)/g, (_whole, escaped: string, hex: string | undefined) =>
    hex === undefined ? (CONTROL_ESCAPES[escaped] ?? escaped) : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

function escapeProperty(text: string, isKey: boolean): string {
  let escaped = "";
  for (let position = 0; position < text.length; position++) {
    const character = text[position]!;
    const control = Object.keys(CONTROL_ESCAPES).find(letter => CONTROL_ESCAPES[letter] === character);
    if (control) escaped += `\\${control}`;
    else if (character === " ") escaped += isKey || position === 0 ? "\\ " : " ";
    else if ("\\=:#!".includes(character)) escaped += `\\${character}`;
    else if (character < " " || character > "~")
      escaped += `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
    else escaped += character;
  }
  return escaped;
}

function endsInOddBackslashes(text: string): boolean {
  let count = 0;
  while (text[text.length - 1 - count] === "\\") count++;
  return count % 2 === 1;
}

function isBlank(character: string): boolean {
  return character === " " || character === "\t" || character === "\f";
}

function trimStart(text: string): string {
  return text.replace(/^[ \t\f]+/, "");
}
