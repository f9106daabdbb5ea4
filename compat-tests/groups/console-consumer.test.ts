import { consoleConsumer } from "./clients.ts";
import { describeGroupsOf } from "./group-suite.ts";

describeGroupsOf(consoleConsumer("classic"));
describeGroupsOf(consoleConsumer("consumer"));
