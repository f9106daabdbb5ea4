/**
 * Finds the error codes in a response, wherever its schema has an `errorCode`.
 *
 * The places are worked out once per API and process; a response without errors then costs a few comparisons.
 */
import type { Fields } from "../../protocol/schema.ts";

/** Calls `found` for each error code in `response` that is not NONE. */
export type ErrorVisitor = (response: unknown, found: (errorCode: number) => void) => void;

type Struct = Readonly<Record<string, unknown>>;

const known = new WeakMap<Fields, ErrorVisitor | null>();

/** Null for a response that has no error code anywhere. */
export function errorVisitor(fields: Fields): ErrorVisitor | null {
  let visitor = known.get(fields);
  if (visitor === undefined) {
    visitor = madeVisitor(fields);
    known.set(fields, visitor);
  }
  return visitor;
}

function madeVisitor(fields: Fields): ErrorVisitor | null {
  const visits: ErrorVisitor[] = [];
  for (const [name, field] of Object.entries(fields)) {
    if (field.kind === "int16" && name === "errorCode") {
      visits.push((value, found) => {
        const errorCode = (value as { errorCode?: number }).errorCode;
        if (errorCode !== undefined && errorCode !== 0) found(errorCode);
      });
    } else if (field.kind === "array" && typeof field.element === "object") {
      const visit = errorVisitor(field.element);
      if (visit !== null) visits.push((value, found) => visitEach((value as Struct)[name], visit, found));
    } else if (field.kind === "struct") {
      const visit = errorVisitor(field.fields);
      if (visit !== null) visits.push((value, found) => visitOne((value as Struct)[name], visit, found));
    }
  }
  if (visits.length === 0) return null;
  if (visits.length === 1) return visits[0]!;
  return (value, found) => {
    for (let index = 0; index < visits.length; index += 1) visits[index]!(value, found);
  };
}

function visitEach(elements: unknown, visit: ErrorVisitor, found: (errorCode: number) => void): void {
  if (elements === null || elements === undefined) return;
  const all = elements as readonly unknown[];
  for (let index = 0; index < all.length; index += 1) visit(all[index], found);
}

function visitOne(value: unknown, visit: ErrorVisitor, found: (errorCode: number) => void): void {
  if (value !== null && value !== undefined) visit(value, found);
}
