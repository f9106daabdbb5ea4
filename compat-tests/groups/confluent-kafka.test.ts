import { confluentKafka } from "./clients.ts";
import { describeGroupsOf } from "./group-suite.ts";

describeGroupsOf(confluentKafka("classic"));
describeGroupsOf(confluentKafka("consumer"));
