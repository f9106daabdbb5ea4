/** What is wrong with a configuration: all of it at once, so that nobody fixes one key per start. */
export interface ConfigProblem {
  /** An error keeps the broker from starting; a warning is said once at start. */
  readonly severity: "error" | "warning";
  /** The key it is about; null when it is about none in particular. */
  readonly name: string | null;
  /** A whole sentence, with the key, the value, what was expected, and where it was set. Never holds a secret. */
  readonly message: string;
}

/** Thrown by `BrokerConfig.load` with every error found. */
export class ConfigError extends Error {
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    const errors = problems.filter(problem => problem.severity === "error");
    super(`the configuration is not valid:\n${errors.map(problem => `  ${problem.message}`).join("\n")}`);
    this.name = "ConfigError";
    this.problems = problems;
  }
}

export function error(name: string | null, message: string): ConfigProblem {
  return { severity: "error", name, message };
}

export function warning(name: string | null, message: string): ConfigProblem {
  return { severity: "warning", name, message };
}
