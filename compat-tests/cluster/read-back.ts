/** Reads a topic of the idempotent producer back, with kcat and its checks of every batch. */
import { kcat } from "../support/kcat.ts";
import type { StoredRecord } from "./acknowledgements.ts";

/** Every record of the topic, by partition and offset. */
export async function readBack(bootstrapServers: string, topic: string): Promise<StoredRecord[]> {
  const format = "%p %o %s\\n";
  const options = ["-q", "-e", "-o", "beginning", "-X", "check.crcs=true", "-f", format];
  const output = await kcat("-C", "-b", bootstrapServers, "-t", topic, ...options);
  return output
    .split("\n")
    .filter(line => line !== "")
    .map(line => {
      const [partition, offset, number] = line.split(" ", 3).map(Number) as [number, number, number];
      return { partition, offset, number };
    })
    .sort((a, b) => a.partition - b.partition || a.offset - b.offset);
}
