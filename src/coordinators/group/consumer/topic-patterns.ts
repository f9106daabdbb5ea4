/**
 * Subscriptions by regular expression. The syntax is RE2's: time grows with the length of pattern and name, never faster, so that no client can
 * hold the broker up with a pattern. The only file that knows the library.
 */
import { RE2JS } from "re2js";
import { ApiError, Errors } from "../../../../protocol/errors.ts";

/** Compiled patterns kept for the next look-up. */
const MAX_CACHED = 256;

export class TopicPatterns {
  readonly #compiled = new Map<string, RE2JS>();

  /** Throws INVALID_REGULAR_EXPRESSION. */
  check(regex: string): void {
    this.#compile(regex);
  }

  /** Which of `names` a pattern matches, whole. A pattern that is none, as an older broker may have let through, matches nothing. */
  matching(regex: string, names: readonly string[]): string[] {
    try {
      const pattern = this.#compile(regex);
      return names.filter(name => pattern.matches(name));
    } catch (error) {
      if (error instanceof ApiError) return [];
      throw error;
    }
  }

  #compile(regex: string): RE2JS {
    let pattern = this.#compiled.get(regex);
    if (pattern !== undefined) return pattern;
    try {
      pattern = RE2JS.compile(regex);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new ApiError(
        Errors.INVALID_REGULAR_EXPRESSION,
        `SubscribedTopicRegex \`${regex}\` is not a valid regular expression: ${reason}.`,
      );
    }
    if (this.#compiled.size >= MAX_CACHED) this.#compiled.delete(this.#compiled.keys().next().value!);
    this.#compiled.set(regex, pattern);
    return pattern;
  }
}
