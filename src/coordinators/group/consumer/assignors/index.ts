/** The server-side assignors, by the name clients ask for them with. */
import type { AssignorName } from "../../group-options.ts";
import type { Assignor } from "./assignor.ts";
import { assignRange } from "./range.ts";
import { assignUniform } from "./uniform.ts";

export type { Assignor, AssignorInput, AssignorMember } from "./assignor.ts";

export const assignors: Record<AssignorName, Assignor> = { uniform: assignUniform, range: assignRange };
