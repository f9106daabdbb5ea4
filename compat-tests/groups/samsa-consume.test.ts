import { samsaConsume } from "./clients.ts";
import { describeGroupsOf } from "./group-suite.ts";

describeGroupsOf(samsaConsume);
