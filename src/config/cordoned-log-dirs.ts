/** `cordoned.log.dirs` (KIP-1066): which log directories are to get no new replicas. */

export const CORDONED_LOG_DIRS = "cordoned.log.dirs";

/** Stands for all log directories, and alone. */
const ALL = "*";

/** Why a broker whose `log.dirs` are `logDirs` cannot have `entries`, in Kafka's words, or null. */
export function checkCordonedLogDirs(entries: readonly string[], logDirs: readonly string[]): string | null {
  if (entries.includes(ALL))
    return entries.length === 1 ? null : "When cordoned.log.dirs is set to *, it must not contain other values";
  const unknown = entries.filter(entry => !logDirs.includes(entry));
  if (unknown.length === 0) return null;
  return `All entries in cordoned.log.dirs must be present in log.dirs or log.dir. Missing entries : ${unknown.join(", ")}`;
}

/** The paths that `entries` stand for. Those that are no log directory are none of them. */
export function cordonedPaths(entries: readonly string[], logDirs: readonly string[]): string[] {
  return entries.includes(ALL) ? [...logDirs] : logDirs.filter(path => entries.includes(path));
}
