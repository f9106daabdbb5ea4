/** What `kafka-metadata-quorum describe` printed. */

/** A line of what `--status` printed; empty when there is none. */
export function field(status: string, name: string): string {
  return new RegExp(`^${name}: +(.*)$`, "m").exec(status)?.[1] ?? "";
}

/** Node ids of the voters in what `--status` printed, ascending. */
export function voters(status: string): number[] {
  const found: { id: number }[] = JSON.parse(field(status, "CurrentVoters"));
  return found.map(({ id }) => id).sort();
}

/** Of the table that `--replication` printed: node, directory, log end offset, lag, two times, role. */
export function rows(printed: string): string[][] {
  const [, ...lines] = printed.trim().split("\n");
  return lines.map(line => line.trim().split(/\s*\t\s*/));
}

/** Whether what `--replication` printed has a node in a role: `Leader`, `Follower` or `Observer`. */
export function hasReplica(id: number, role: string): (printed: string) => boolean {
  return printed => rows(printed).some(row => row[0] === String(id) && row.at(-1) === role);
}
