import { type CliContext, defineGroup } from "../../command.ts";
import { benchConsumeCommand } from "./consume.ts";
import { benchLatencyCommand } from "./latency.ts";
import { benchLogCommand } from "./log.ts";
import { benchProduceCommand } from "./produce.ts";

/** `samsa bench …` */
export function benchCommand(context: CliContext) {
  return defineGroup("bench", "Measure this machine and a cluster", [
    benchProduceCommand(context),
    benchConsumeCommand(context),
    benchLatencyCommand(context),
    benchLogCommand(context),
  ]);
}
