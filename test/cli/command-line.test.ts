import { expect } from "chai";
import { samsa } from "./support/samsa.ts";

describe("samsa command line", () => {
  it("--version and --help: print and succeed", async () => {
    expect(await samsa(["--version"])).to.deep.equal({ exitCode: 0, output: "1.2.3\n", notes: "" });
    const { exitCode, output } = await samsa(["--help"]);
    expect(exitCode).to.equal(0);
    for (const command of ["start", "topics", "configs", "produce", "consume", "log", "completion"])
      expect(output).to.contain(`samsa ${command}`);
  });

  const wrongUsages: [string, string[], RegExp][] = [
    ["no command", [], /Which command\?/],
    ["an unknown command", ["topcis"], /Did you mean topics\?/],
    ["a group without command", ["topics"], /samsa topics needs a command/],
    ["an unknown option", ["topics", "list", "--jsn"], /Unknown argument: jsn[\s\S]*samsa topics list --help/],
    ["a missing argument", ["produce"], /An argument is missing/],
    ["a word that is not a choice", ["produce", "t", "--acks", "2"], /Argument: acks, Given: "2"/],
    ["a text for a number", ["topics", "create", "t", "--partitions", "many"], /--partitions: expected a number/],
    [
      "a number that is too small",
      ["topics", "create", "t", "--partitions", "0"],
      /--partitions: expected a whole number of at least 1/,
    ],
    [
      "an option given twice",
      ["topics", "list", "--timeout", "1", "--timeout", "2"],
      /--timeout was given more than once/,
    ],
    ["a setting without =", ["topics", "create", "t", "--config", "retention.ms"], /expected name=value/],
    ["a malformed address", ["topics", "list", "-b", "a:b"], /not of the form host:port/],
    ["no place to move to", ["topics", "reassign", "t"], /Give one of --brokers, --replicas and --cancel/],
    ["replicas of no partition", ["topics", "reassign", "t", "--replicas", "1"], /of which partition\?/],
    ["brokers that are no ids", ["topics", "reassign", "t", "--brokers", "one"], /expected broker ids, as 1,2,3/],
    ["nothing to change", ["configs", "alter", "topic", "t"], /Nothing to change/],
    ["a broker that is not a number", ["configs", "describe", "broker", "one"], /expected the broker's number/],
    ["a resource without name", ["configs", "describe", "topic"], /Which topic\?/],
    ["two ends", ["consume", "t", "--to", "5", "--exit-at-end"], /--to or --exit-at-end/],
    ["a config file that is not there", ["start", "--config", "/nowhere/server.properties"], /there is no such file/],
    [
      "a bad setting",
      ["start", "--override", "log.roll.hours=0"],
      /log\.roll\.hours = "0" \(--override\): expected a number of at least 1/,
    ],
    [
      "a file that is not there to dump",
      ["log", "dump", "/nowhere/00000000000000000000.log"],
      /there is no such file or directory/,
    ],
  ];
  for (const [subject, args, expected] of wrongUsages) {
    it(`${subject}: told on standard error, exit code 2`, async () => {
      const { exitCode, output, notes } = await samsa(args);
      expect(notes).to.match(expected);
      expect([exitCode, output]).to.deep.equal([2, ""]);
    });
  }

  it("no broker there: says where it looked and what to do, exit code 1", async () => {
    const { exitCode, notes } = await samsa(["topics", "list", "-b", "127.0.0.1:1", "--timeout", "200"]);
    expect(exitCode).to.equal(1);
    expect(notes).to.contain("Cannot reach the cluster at 127.0.0.1:1").and.contain("samsa start starts one");
  });

  it("completion: a script, and the commands of a group", async () => {
    expect((await samsa(["completion"])).output).to.contain("begin-samsa-completions");
    const { output } = await samsa(["--get-yargs-completions", "samsa", "topics", ""]);
    expect(output.trim().split("\n")).to.include.members(["create", "list", "describe", "delete", "alter"]);
  });
});
