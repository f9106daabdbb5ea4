/** What programs say that were not written for these tests, in the words of those that were. */
import type { LineParser } from "./member-process.ts";

/** `% Group readers rebalanced (memberid …): assigned: topic [0], topic [1]`, or `revoked: …`, or `incremental …`. */
const REBALANCED = /^% Group .* rebalanced .*: (assigned|revoked): (.*)$/;
const FAILED = /^% ERROR: (.*)$/;

/** kcat as a member of a group (`-G`), told to print partition and offset. */
export function kcatLines(): LineParser {
  return (line, stream) => {
    if (stream === "stdout") {
      const [partition, offset] = line.split(" ").map(Number);
      return [{ event: "processed", partition: partition!, first: offset!, last: offset! }];
    }
    const failed = FAILED.exec(line);
    if (failed !== null) return [{ event: "error", message: failed[1]! }];
    const rebalanced = REBALANCED.exec(line);
    if (rebalanced === null) return [];
    const partitions = Array.from(rebalanced[2]!.matchAll(/\[(\d+)\]/g), match => Number(match[1]));
    return [{ event: "owned", partitions: rebalanced[1] === "assigned" ? partitions.sort((a, b) => a - b) : [] }];
  };
}

/** What the classic consumer logs of each change, and the consumer protocol's of where it is going, and of giving all up. */
const CHANGED =
  /(Adding newly assigned|Revoke previously assigned|Lost previously assigned|\tAssigned) partitions:? +\[(.*)\]/;
const RECORD = /^Partition:(\d+)\tOffset:(\d+)$/;

/** Kafka's console consumer, told to print partition and offset, and to log what its consumer does. */
export function consoleConsumerLines(): LineParser {
  const owned = new Set<number>();
  return (line, stream) => {
    if (stream === "stdout") {
      const record = RECORD.exec(line);
      if (record === null) return [{ event: "error", message: line }];
      const offset = Number(record[2]);
      return [{ event: "processed", partition: Number(record[1]), first: offset, last: offset }];
    }
    const changed = CHANGED.exec(line);
    if (changed === null) return line.startsWith("ERROR") ? [{ event: "error", message: line }] : [];
    const isGone = changed[1]!.includes("previously");
    if (changed[1] === "\tAssigned") owned.clear();
    for (const [, partition] of changed[2]!.matchAll(/-(\d+)(?:,|$)/g)) {
      if (isGone) owned.delete(Number(partition));
      else owned.add(Number(partition));
    }
    return [{ event: "owned", partitions: [...owned].sort((a, b) => a - b) }];
  };
}

/** `samsa consume --group`, told to print partition and offset. */
export const samsaConsumeLines: LineParser = (line, stream) => {
  if (stream === "stdout") {
    const [partition, offset] = line.split("\t").map(Number);
    return [{ event: "processed", partition: partition!, first: offset!, last: offset! }];
  }
  const reading = /^Reading (?:no )?partitions ?([\d, ]*) of /.exec(line);
  if (reading === null) return /^(Consumed|$)/.test(line) ? [] : [{ event: "error", message: line }];
  const partitions = reading[1] === "" ? [] : reading[1]!.split(", ").map(Number);
  return [{ event: "owned", partitions }];
};
