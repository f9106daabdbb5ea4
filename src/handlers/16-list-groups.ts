/**
 * ListGroups (16): the groups that this broker coordinates.
 *
 * - v4: only those in certain states (KIP-518). v5: only those of certain types (KIP-848). Letter case does not count.
 */
import { ListGroups } from "../../protocol/apis/16-list-groups.ts";
import { Errors } from "../../protocol/errors.ts";
import { handler } from "./handler.ts";

export const listGroups = handler(
  ListGroups,
  async (request, context) => ({
    throttleTimeMs: 0,
    errorCode: Errors.NONE,
    groups: await context.groups.listGroups({
      states: lowerCase(request.statesFilter),
      types: lowerCase(request.typesFilter),
    }),
  }),
  (_request, errorCode) => ({ throttleTimeMs: 0, errorCode, groups: [] }),
);

function lowerCase(names: readonly string[]): ReadonlySet<string> {
  return new Set(names.map(name => name.toLowerCase()));
}
