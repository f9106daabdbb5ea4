/**
 * The `uniform` assignor: every member gets as many partitions as every other, give or take one, and keeps what it had where that is possible.
 */
import type { Assignor, AssignorInput } from "./assignor.ts";
import { assignAlike } from "./uniform-alike.ts";
import { assignMixed } from "./uniform-mixed.ts";

export const assignUniform: Assignor = (input: AssignorInput) =>
  input.isHomogeneous ? assignAlike(input) : assignMixed(input);
