/** A change to the code that breaks it, which the simulation has to notice. */
export interface Mutant {
  readonly name: string;
  readonly file: string;
  /** Must occur exactly once. */
  readonly find: string;
  readonly replacement: string;
}
