/** The table of error codes. */
import { errors } from "../../protocol/errors.ts";
import { table } from "./markdown.ts";

export function errorsDocument(): string {
  const rows = errors.map(({ code, name, retriable, refreshMetadata, message }) => [
    String(code),
    name,
    refreshMetadata ? "with fresh metadata" : retriable ? "yes" : "no",
    message,
  ]);
  return [
    "# Errors",
    "The error codes of the protocol. *Retriable* says whether a client that tries again may succeed.",
    "",
    table(["Code", "Name", "Retriable", "Meaning"], rows),
    "",
  ].join("\n");
}
