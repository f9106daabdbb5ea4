import { kafkaPython } from "./clients.ts";
import { describeGroupsOf } from "./group-suite.ts";

describeGroupsOf(kafkaPython);
