import { javaConsumer } from "./clients.ts";
import { describeGroupsOf } from "./group-suite.ts";

describeGroupsOf(javaConsumer("classic"));
describeGroupsOf(javaConsumer("consumer"));
