/**
 * The part of yargs that we use. The package ships no types; these are narrower than the community's, and infer each command's arguments from
 * its options.
 */
declare module "yargs" {
  export interface OptionSpec {
    readonly type?: "string" | "number" | "boolean" | "count";
    readonly array?: boolean;
    readonly alias?: string | readonly string[];
    readonly choices?: readonly string[];
    readonly default?: unknown;
    readonly demandOption?: boolean | string;
    readonly describe?: string;
    readonly conflicts?: string | readonly string[];
    readonly group?: string;
    readonly requiresArg?: boolean;
    readonly hidden?: boolean;
  }

  type BaseValue<O extends OptionSpec> = O["choices"] extends readonly (infer C extends string)[]
    ? C
    : O["type"] extends "number" | "count"
      ? number
      : O["type"] extends "boolean"
        ? boolean
        : string;
  type OptionValue<O extends OptionSpec> = O["array"] extends true ? BaseValue<O>[] : BaseValue<O>;
  type IsAlwaysThere<O extends OptionSpec> = O extends
    | { readonly default: unknown }
    | { readonly demandOption: true | string }
    ? true
    : false;
  export type ArgumentsOf<O extends Readonly<Record<string, OptionSpec>>> = {
    [K in keyof O]: IsAlwaysThere<O[K]> extends true ? OptionValue<O[K]> : OptionValue<O[K]> | undefined;
  };

  export interface CommandModule<T = unknown> {
    readonly command: string | readonly string[];
    readonly describe: string | false;
    readonly builder: (yargs: Argv) => Argv<T> | Promise<Argv<T>>;
    readonly handler: (args: T) => void | Promise<void>;
  }

  /** A command whatever its arguments: what stands in lists of commands. */
  // biome-ignore lint/suspicious/noExplicitAny: builder and handler of one command agree; a list of them cannot say on what
  export type AnyCommandModule = CommandModule<any>;

  export interface Argv<T = unknown> {
    option<K extends string, const O extends OptionSpec>(name: K, spec: O): Argv<T & ArgumentsOf<{ [key in K]: O }>>;
    options<const O extends Readonly<Record<string, OptionSpec>>>(specs: O): Argv<T & ArgumentsOf<O>>;
    positional<K extends string, const O extends OptionSpec>(
      name: K,
      spec: O,
    ): Argv<T & ArgumentsOf<{ [key in K]: O }>>;
    command(module: AnyCommandModule): Argv<T>;
    check(check: (args: T, options: { readonly array: readonly string[] }) => true | string): Argv<T>;
    example(command: string, description: string): Argv<T>;
    demandCommand(minimum: number, message: string): Argv<T>;
    recommendCommands(): Argv<T>;
    completion(command: string, description: string): Argv<T>;
    epilogue(text: string): Argv<T>;
    exitProcess(enabled: boolean): Argv<T>;
    fail(handler: ((message: string | null, error: Error | undefined, yargs: Argv) => void) | false): Argv<T>;
    help(option?: string): Argv<T>;
    alias(name: string, other: string): Argv<T>;
    locale(locale: string): Argv<T>;
    parserConfiguration(configuration: Readonly<Record<string, boolean>>): Argv<T>;
    scriptName(name: string): Argv<T>;
    showHelpOnFail(enabled: boolean): Argv<T>;
    strict(): Argv<T>;
    strictOptions(): Argv<T>;
    usage(text: string): Argv<T>;
    version(version: string): Argv<T>;
    wrap(columns: number | null): Argv<T>;
    parseAsync(
      args: readonly string[],
      context: object,
      callback: (error: Error | undefined, argv: unknown, output: string) => void,
    ): Promise<unknown>;
  }

  export default function yargs(args?: readonly string[]): Argv;
}
