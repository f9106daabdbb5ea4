/** The version of the package this code belongs to. */
import { readFileSync } from "node:fs";

/** Looks for the nearest package.json: two levels up in the sources, three in `dist/`. */
export function packageVersion(): string {
  for (const path of ["../../package.json", "../../../package.json"]) {
    try {
      const { name, version } = JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8")) as Record<
        string,
        string
      >;
      if (name === "samsa" && version) return version;
    } catch {
      // Not there: try further up.
    }
  }
  return "unknown";
}
