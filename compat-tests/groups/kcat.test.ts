import { kcat } from "./clients.ts";
import { describeGroupsOf } from "./group-suite.ts";

describeGroupsOf(kcat);
