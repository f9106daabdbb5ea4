import { type CliContext, defineGroup } from "../../command.ts";
import { alterConfigsCommand } from "./alter.ts";
import { describeConfigsCommand } from "./describe.ts";

/** `samsa configs …` */
export function configsCommand(context: CliContext) {
  return defineGroup("configs", "Show and change settings of topics, brokers, groups and client metrics", [
    describeConfigsCommand(context),
    alterConfigsCommand(context),
  ]);
}
