/**
 * Which values of a type a key accepts. A validator knows Kafka's own notation for itself (`[1,...]`), so that a table can be compared with
 * Kafka's, and says in words what it expects.
 */
export interface Validator {
  /** Kafka's notation. */
  readonly notation: string;
  /** For error messages, after "expected". */
  readonly expected: string;
  /** `value` has the key's type already; null is never asked about. */
  accepts(value: unknown): boolean;
}

/** A number of at least `minimum`. */
export function atLeast(minimum: number): Validator {
  return {
    notation: `[${minimum},...]`,
    expected: `a number of at least ${minimum}`,
    accepts: value => typeof value === "number" && value >= minimum,
  };
}

/** A number from `minimum` to `maximum`, both included. */
export function between(minimum: number, maximum: number): Validator {
  return {
    notation: `[${minimum},...,${maximum}]`,
    expected: `a number from ${minimum} to ${maximum}`,
    accepts: value => typeof value === "number" && value >= minimum && value <= maximum,
  };
}

/** A number in `range`, or exactly `exception`. */
export function or(range: Validator, exception: number): Validator {
  return {
    notation: `${range.notation} or ${exception}`,
    expected: `${range.expected}, or ${exception}`,
    accepts: value => value === exception || range.accepts(value),
  };
}

/** One of a few words. */
export function oneOf(...words: readonly string[]): Validator {
  return {
    notation: `[${words.join(", ")}]`,
    expected: `one of ${words.join(", ")}`,
    accepts: value => typeof value === "string" && words.includes(value),
  };
}

/** One of a few words, in any case. */
export function oneOfIgnoringCase(...words: readonly string[]): Validator {
  return {
    notation: `(case insensitive) [${words.join(", ")}]`,
    expected: `one of ${words.join(", ")}, in any case`,
    accepts: value => typeof value === "string" && words.includes(value.toUpperCase()),
  };
}

/** A list of some of `words`, none twice. */
export function someOf(...words: readonly string[]): Validator {
  return {
    notation: `[${words.join(", ")}]`,
    expected: `a comma-separated list of ${words.join(", ")}, none twice`,
    accepts: value => isDistinctList(value) && value.every(word => words.includes(word)),
  };
}

/** As {@link someOf}, but not the empty list. */
export function oneOrMoreOf(...words: readonly string[]): Validator {
  const some = someOf(...words);
  return {
    notation: some.notation,
    expected: `${some.expected}, and at least one`,
    accepts: value => some.accepts(value) && (value as readonly string[]).length > 0,
  };
}

/** Any list without duplicates. */
export const distinctList: Validator = {
  notation: "",
  expected: "a comma-separated list without duplicates",
  accepts: isDistinctList,
};

/** Any list with at least one entry and without duplicates. */
export const nonEmptyList: Validator = {
  notation: "non-empty list",
  expected: "a comma-separated list of at least one entry, none twice",
  accepts: value => isDistinctList(value) && value.length > 0,
};

export const nonNullString: Validator = {
  notation: "non-null string",
  expected: "a string",
  accepts: value => typeof value === "string",
};

export const nonEmptyString: Validator = {
  notation: "non-empty string",
  expected: "a string that is not empty",
  accepts: value => typeof value === "string" && value.length > 0,
};

/** `partition:broker` pairs, or `*` for all: the replicas that a replication quota holds back (KIP-73). */
export const throttledReplicas: Validator = {
  notation: "[partitionId]:[brokerId],[partitionId]:[brokerId],...",
  expected: "* or a comma-separated list of partition:broker",
  accepts: value => {
    const list = value as readonly string[];
    return (list.length === 1 && list[0] === "*") || list.every(entry => /^\d+:\d+$/.test(entry));
  },
};

/** Where a share group without an offset begins: `latest`, `earliest`, or a duration back from now (ISO 8601, KIP-1103). */
export const shareOffsetReset: Validator = {
  notation: "[latest, earliest, by_duration:PnDTnHnMn.nS]",
  expected: "latest, earliest, or by_duration:PnDTnHnMn.nS",
  accepts: value =>
    typeof value === "string" &&
    /^(latest|earliest|by_duration:P(?=.)(\d+D)?(T(?=.)(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?)$/i.test(value),
};

/** A text that `pattern` matches. */
export function matching(pattern: RegExp, expected: string): Validator {
  return { notation: expected, expected, accepts: value => typeof value === "string" && pattern.test(value) };
}

function isDistinctList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && new Set(value).size === value.length;
}
