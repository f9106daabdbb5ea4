/**
 * What kafkajs's suite calls `docker` for, without Docker: finding the broker's container, and adding partitions to a topic inside it.
 *
 * Stands on PATH under that name while the suite runs. Anything else it is asked for is an error.
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../../dist/src/cli/main.js", import.meta.url));
const ADD_PARTITIONS = /^kafka-topics .*--alter --topic (\S+) --partitions (\d+)$/;

const [command, ...args] = process.argv.slice(2);
const asked = ADD_PARTITIONS.exec(args.at(-1) ?? "");
if (command === "ps") {
  console.log("samsa");
} else if (command === "exec" && asked !== null) {
  const [, topic, partitions] = asked;
  const alter = ["topics", "alter", topic!, "--partitions", partitions!, "--bootstrap-server", "127.0.0.1:9092"];
  process.exitCode = spawnSync(process.execPath, [MAIN, ...alter], { stdio: "inherit" }).status ?? 1;
} else {
  console.error(`not understood: docker ${[command, ...args].join(" ")}`);
  process.exitCode = 1;
}
