import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { isUuid } from "../../src/metadata/storage/ids.ts";
import { parseMetaProperties } from "../../src/metadata/storage/meta-properties.ts";
import { parseSnapshot } from "../../src/raft/snapshot-file.ts";
import { BOOTSTRAP_SNAPSHOT_ID } from "../../src/raft/snapshot-id.ts";
import { samsa } from "./support/samsa.ts";

const CLUSTER = "4YnGD2A0TSGD8svcZAn_oQ";
const DIRECTORY = "yPvWdsLfT9eV1EOOyhQljg";
const OTHER = "XPHyFvxjTGK9iLOw-xX-uw";
const CHECKPOINT = "00000000000000000000-0000000000.checkpoint";

describe("samsa storage", () => {
  let directory = "";
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "samsa-storage-"));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  const format = (...args: string[]) =>
    samsa(["storage", "format", "-o", `log.dirs=${directory}`, "-o", "node.id=2", ...args]);

  function voters(): [number, string, string, number][] | null {
    const path = join(directory, "__cluster_metadata-0", CHECKPOINT);
    if (!readdirSync(join(directory, "__cluster_metadata-0")).includes(CHECKPOINT)) return null;
    const { facts } = parseSnapshot(readFileSync(path), BOOTSTRAP_SNAPSHOT_ID, path);
    expect(facts.kraftVersion).to.equal(1);
    return (facts.voters ?? []).map(({ voterId, voterDirectoryId, endpoints: [endpoint] }) => [
      voterId,
      voterDirectoryId,
      endpoint!.host,
      endpoint!.port,
    ]);
  }

  it("makes ids", async () => {
    const { output } = await samsa(["storage", "random-uuid"]);
    expect(isUuid(output.trim())).to.equal(true);
  });

  it("formats with the voters given, under the id that they have for this directory", async () => {
    const given = `2@a:19092:${DIRECTORY},3@[::1]:19093:${OTHER}`;
    const { exitCode, output } = await format("-t", CLUSTER, "--initial-controllers", given);
    expect([exitCode, output]).to.deep.equal([0, `Node 2 of cluster ${CLUSTER}: ${directory} (${DIRECTORY}).\n`]);
    const properties = parseMetaProperties(readFileSync(join(directory, "meta.properties"), "latin1"));
    expect(properties).to.deep.equal({ clusterId: CLUSTER, nodeId: 2, directoryId: DIRECTORY });
    expect(voters()).to.deep.equal([
      [2, DIRECTORY, "a", 19_092],
      [3, OTHER, "::1", 19_093],
    ]);
  });

  it("formats for a quorum of its own, for one that is there, and for configured voters", async () => {
    expect((await format("-t", CLUSTER, "--standalone")).exitCode).to.equal(0);
    expect(voters()).to.have.length(1);
    rmSync(directory, { recursive: true });
    expect((await format("-t", CLUSTER, "--no-initial-controllers")).exitCode).to.equal(0);
    expect(voters()).to.equal(null);
    rmSync(directory, { recursive: true });
    const configured = ["-o", "controller.quorum.voters=2@127.0.0.1:19092,3@127.0.0.1:19093"];
    expect((await format("-t", CLUSTER, ...configured)).exitCode).to.equal(0);
    expect(voters()).to.equal(null);
  });

  it("leaves what is formatted alone", async () => {
    await format("-t", CLUSTER, "--standalone");
    const again = await format("-t", CLUSTER, "--standalone");
    expect(again.exitCode).to.equal(1);
    expect(again.notes).to.include("formatted already");
    expect((await format("-t", CLUSTER, "--standalone", "-g")).exitCode).to.equal(0);
    const other = await format("-t", DIRECTORY, "--standalone", "-g");
    expect(other.exitCode).to.equal(1);
    expect(other.notes).to.include(`belongs to cluster ${CLUSTER}, not to ${DIRECTORY}`);
  });

  for (const [what, args, complaint] of [
    ["no cluster id", ["--standalone"], "--cluster-id: expected an id"],
    ["what is no id", ["-t", "x", "--standalone"], "--cluster-id: expected an id"],
    ["no word of voters", ["-t", CLUSTER], "One of --standalone, --initial-controllers"],
    ["two words of them", ["-t", CLUSTER, "--standalone", "--no-initial-controllers"], "One of --standalone"],
    ["a voter without directory", ["-t", CLUSTER, "--initial-controllers", "2@a:1"], "not of the form id@host:port:"],
    ["others only", ["-t", CLUSTER, "--initial-controllers", `3@a:1:${OTHER}`], "does not name this node (2)"],
  ] as const) {
    it(`refuses ${what}`, async () => {
      const { exitCode, notes } = await format(...args);
      expect(exitCode).to.equal(2);
      expect(notes).to.include(complaint);
      expect(readdirSync(directory)).to.deep.equal([]);
    });
  }
});
