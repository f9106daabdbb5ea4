/** A change to the code that breaks it, which the simulation has to notice. */
export interface Mutant extends Edit {
  readonly name: string;
  /** What has to change with it, where another line holds the same rule. */
  readonly and?: Edit;
}

export interface Edit {
  readonly file: string;
  /** Must occur exactly once. */
  readonly find: string;
  readonly replacement: string;
}
