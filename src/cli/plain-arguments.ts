/**
 * Reads a command line without yargs, which takes a quarter of a broker's start to load and to parse.
 *
 * Only what is plain: options by their full names, each with a value that cannot mean anything else. All that is not, mistakes above all, is for
 * yargs, whose reading of a plain line is the same.
 */

/** Of an option, what yargs is told too. */
export interface PlainOption {
  readonly type: "string" | "number";
  readonly array?: boolean;
  readonly choices?: readonly string[];
}

export type PlainValues = Readonly<Record<string, string | number | readonly string[]>>;

const NUMBER = /^\d{1,15}$/;
/** yargs takes quotes off, and a dash for an option. */
const AMBIGUOUS = /^(?:$|["'-])/;

/** The values of the options in `args`; null when a line is not plain. */
export function readPlainly(
  args: readonly string[],
  options: Readonly<Record<string, PlainOption>>,
): PlainValues | null {
  const values: Record<string, string | number | string[]> = {};
  for (let at = 0; at < args.length; at++) {
    const [, name, inline] = /^--([a-z][a-z-]*)(?:=(.*))?$/s.exec(args[at]!) ?? [];
    const option = name !== undefined && Object.hasOwn(options, name) ? options[name] : undefined;
    const text = inline ?? args[++at];
    if (name === undefined || option === undefined || text === undefined || AMBIGUOUS.test(text)) return null;
    if (option.choices !== undefined && !option.choices.includes(text)) return null;
    if (option.type === "number" && !NUMBER.test(text)) return null;
    const given = values[name];
    if (option.array) values[name] = [...((given as string[]) ?? []), text];
    else if (given !== undefined) return null;
    else values[name] = option.type === "number" ? Number(text) : text;
  }
  return values;
}
