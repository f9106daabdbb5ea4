import { kafkajs } from "./clients.ts";
import { describeGroupsOf } from "./group-suite.ts";

describeGroupsOf(kafkajs);
