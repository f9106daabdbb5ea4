import { franzGo } from "./clients.ts";
import { describeGroupsOf } from "./group-suite.ts";

describeGroupsOf(franzGo("classic"));
describeGroupsOf(franzGo("consumer"));
