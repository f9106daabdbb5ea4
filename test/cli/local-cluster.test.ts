import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { freePortPair } from "../../compat-tests/support/broker-process.ts";
import { samsa } from "./support/samsa.ts";

describe("samsa cluster, of processes on this machine", function () {
  this.timeout(90_000);
  let folder: string;
  let port: number;

  beforeEach(async () => {
    folder = join(mkdtempSync(join(tmpdir(), "samsa-cluster-")), "cluster");
    port = await freePortPair();
  });

  afterEach(async () => {
    await samsa(["cluster", "stop", "-d", folder]);
    rmSync(join(folder, ".."), { recursive: true, force: true });
  });

  async function output(...args: readonly string[]): Promise<string> {
    const outcome = await samsa(["cluster", ...args]);
    expect(outcome.exitCode, outcome.notes).to.equal(0);
    return outcome.output;
  }

  async function failure(...args: readonly string[]): Promise<string> {
    const outcome = await samsa(["cluster", ...args]);
    expect(outcome.exitCode).to.not.equal(0);
    return outcome.notes;
  }

  function nodes(): { id: number; port: number; pid: number | null }[] {
    return JSON.parse(readFileSync(join(folder, "samsa-cluster.json"), "utf8")).nodes;
  }

  it("starts nodes that find each other, kills, restarts and stops them", async () => {
    const started = await output("--brokers", "3", "--port", String(port), "-d", folder, "-o", "num.partitions=3");
    const addresses = nodes().map(node => `127.0.0.1:${node.port}`);
    expect(started).to.contain(`clients connect to ${addresses.join(",")}\n`);
    const status = async () => JSON.parse(await output("status", "-b", addresses.join(","), "--json"));
    expect((await status()).nodes.map(({ node, fenced }: { node: number; fenced: boolean }) => [node, fenced])).to.eql([
      [1, false],
      [2, false],
      [3, false],
    ]);

    expect(await output("kill", "2", "-d", folder)).to.equal("Node 2 is killed.\n");
    expect(nodes()[1]!.pid).to.equal(null);
    expect(await output("kill", "2", "-d", folder)).to.equal("Node 2 did not run.\n");
    expect(await output("restart", "2", "-d", folder)).to.match(/^Node 2 is back: process \d+\.\n$/);
    expect(await output("-d", folder)).to.contain("The cluster is ready");

    expect(await output("stop", "3", "-d", folder)).to.equal("Node 3 is stopped.\n");
    expect(await output("stop", "-d", folder)).to.equal(
      "Node 1 is stopped.\nNode 2 is stopped.\nNode 3 did not run.\n",
    );
    expect(readFileSync(join(folder, "node-1.log"), "utf8")).to.contain("broker.stopped");
  });

  it("passes over ports that are taken", async () => {
    const taken: Server = createServer().listen(port, "127.0.0.1");
    try {
      await output("start", "--brokers", "1", "--port", String(port), "-d", folder);
      expect(nodes()[0]!.port).to.be.above(port);
    } finally {
      taken.close();
    }
  });

  it("says why a node did not start", async () => {
    const notes = await failure("--brokers", "1", "--port", String(port), "-d", folder, "-o", "num.partitions=none");
    expect(notes).to.contain("Node 1 has ended.").and.to.contain("node-1.log says why.");
    expect(readFileSync(join(folder, "node-1.log"), "utf8")).to.contain("num.partitions");
  });

  it("does not touch a process that has got a node's number since", async () => {
    await output("--brokers", "1", "--port", String(port), "-d", folder);
    const path = join(folder, "samsa-cluster.json");
    const file = JSON.parse(readFileSync(path, "utf8"));
    const [node] = file.nodes;
    writeFileSync(path, JSON.stringify({ ...file, nodes: [{ ...node, pid: process.pid }] }));
    expect(await output("kill", "1", "-d", folder)).to.equal("Node 1 did not run.\n");
    writeFileSync(path, JSON.stringify(file));
  });

  it("refuses a folder without a cluster, unknown nodes, and another size", async () => {
    expect(await failure("stop", "-d", folder)).to.contain("There is no local cluster");
    await output("--brokers", "1", "--port", String(port), "-d", folder);
    expect(await failure("kill", "2", "-d", folder)).to.contain("has no node 2; its nodes are 1.");
    expect(await failure("--brokers", "2", "-d", folder)).to.contain("has 1 node;");
    expect(await failure("--port", "9092", "-d", folder)).to.contain("is there already");
  });
});
