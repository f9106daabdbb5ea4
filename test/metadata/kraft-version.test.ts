/** `kraft.version` from UpdateFeatures down to the log: controller and quorum of one, on a disk in memory. */
import { expect } from "chai";
import { quorumVersionOf } from "../../src/broker/controller-part.ts";
import { BrokerConfig } from "../../src/config/index.ts";
import { Controller } from "../../src/metadata/controller/controller.ts";
import { MetadataStore } from "../../src/metadata/metadata-store.ts";
import { initialBootstrapRecords } from "../../src/metadata/storage/bootstrap.ts";
import type { VoterChangeOutcome } from "../../src/raft/actions.ts";
import type { RaftDriver } from "../../src/raft/driver.ts";
import type { RaftDriverOptions } from "../../src/raft/driver-modules.ts";
import { DIRECTORY, DIRECTORY_ID, ENDPOINT, VoterFixture } from "../raft/support/voter.ts";
import { CLUSTER_ID, newTopic } from "./support/controller-fixture.ts";

const LOG = `${DIRECTORY}/00000000000000000000.log`;
const RAISE = {
  timeoutMs: 1000,
  featureUpdates: [{ feature: "kraft.version", maxVersionLevel: 1, allowDowngrade: false, upgradeType: 1 }],
  validateOnly: false,
};

/** A node of the quorum, with the controller in it. */
async function start(fixture: VoterFixture, options: Partial<RaftDriverOptions> = {}) {
  const { time, random, logger } = fixture;
  const driver = await fixture.start(options);
  const store = new MetadataStore({ log: driver, logger });
  const config = BrokerConfig.load({ overrides: { "node.id": "1", "metadata.max.idle.interval.ms": "0" } });
  const controller = new Controller(
    { nodeId: 1, clusterId: CLUSTER_ID, bootstrapRecords: initialBootstrapRecords() },
    {
      log: driver,
      quorumVersion: quorumVersionOf(driver),
      config,
      clock: time,
      timers: time,
      random,
      logger,
      awaitApplied: offset => store.waitFor(offset),
    },
  );
  store.start();
  controller.start();
  await time.complete(controller.whenActive());
  return { driver, controller, store };
}

/** A quorum of one whose voter was configured, and then raised to version 1. */
async function raised() {
  const fixture = new VoterFixture({ kraftVersion: 0 });
  const node = await start(fixture);
  await fixture.time.complete(node.controller.updateFeatures(RAISE, 2));
  return { fixture, ...node };
}

function directoriesOf({ voters }: RaftDriver): string[] {
  return voters.map(({ voterDirectoryId }) => voterDirectoryId);
}

describe("kraft.version raised by UpdateFeatures", () => {
  it("is one control batch with version and voters, committed and behind it a no-op record when the answer comes", async () => {
    const { fixture, driver } = await raised();
    const [controls, behind] = fixture.log.batches.slice(-2);
    const kRaftVersionFeature = { minSupportedVersion: 0, maxSupportedVersion: 1 };
    const voter = { voterId: 1, voterDirectoryId: DIRECTORY_ID, endpoints: [ENDPOINT], kRaftVersionFeature };
    expect(controls?.controls).to.deep.equal([
      { type: "kraftVersion", kraftVersion: 1 },
      { type: "voters", voters: [voter] },
    ]);
    expect(behind?.records).to.have.length(1);
    expect(driver.highWatermark).to.equal(driver.logEndOffset);
    expect(driver.kraftVersion).to.equal(1);
    expect(directoriesOf(driver)).to.deep.equal([DIRECTORY_ID]);
  });

  it("is written behind what the controller had decided and not appended yet, which costs nobody the leadership", async () => {
    const fixture = new VoterFixture({ kraftVersion: 0 });
    const { driver, controller, store } = await start(fixture);
    const created = controller.createTopics({ topics: [newTopic("a")], timeoutMs: 1000, validateOnly: false });
    const { epoch } = driver.leaderAndEpoch;
    const changed = driver.changeVoters((core, nowMs) => core.upgradeVersion({ epoch, kraftVersion: 1 }, nowMs));
    await fixture.time.complete(Promise.all([created, changed]));
    expect(fixture.log.batches.slice(-2).map(({ isControl }) => isControl)).to.deep.equal([false, true]);
    expect(driver.leaderAndEpoch.epoch).to.equal(epoch);
    await fixture.time.complete(store.waitFor(driver.highWatermark - 1));
    expect(fixture.logger.of("machine.abandoned")).to.deep.equal([]);
  });

  it("outlives a crash, and the voters in the log are those then, whatever the configuration says", async () => {
    const { fixture } = await raised();
    fixture.crash();
    const staticVoters = [1, 2, 3].map(id => ({ id, host: `n${id}`, port: 9093 }));
    const { driver, controller } = await start(fixture, { staticVoters });
    expect(driver.voterSet.ids).to.deep.equal([1]);
    expect(directoriesOf(driver)).to.deep.equal([DIRECTORY_ID]);
    const { logEndOffset } = driver;
    await fixture.time.complete(controller.updateFeatures(RAISE, 2));
    expect(driver.logEndOffset, "asked for again, it is there").to.equal(logEndOffset);
  });

  it("is as before when the crash comes before its batch is durable", async () => {
    const fixture = new VoterFixture({ kraftVersion: 0 });
    const { driver } = await start(fixture);
    const { epoch } = driver.leaderAndEpoch;
    const changed = driver.changeVoters((core, nowMs) => core.upgradeVersion({ epoch, kraftVersion: 1 }, nowMs));
    let outcome: VoterChangeOutcome | null = null;
    changed.then(told => {
      outcome = told;
    });
    expect(driver.kraftVersion, "in the log of the leader").to.equal(1);
    fixture.crash();
    const again = (await start(fixture)).driver;
    expect(again.kraftVersion).to.equal(0);
    expect(again.voterSet.ids).to.deep.equal([1]);
    expect(outcome).to.equal(null);
  });

  it("is carried by snapshots that are made afterwards, and not by those from before", async () => {
    /** What a node knows that has a snapshot of all there is now, and no log. */
    const knownBySnapshot = async (fixture: VoterFixture, driver: RaftDriver): Promise<number> => {
      const id = { endOffset: driver.highWatermark, epoch: driver.leaderAndEpoch.epoch };
      const writer = driver.createSnapshot(id, fixture.time.now());
      await fixture.time.complete(writer!.freeze());
      fixture.disk.remove(LOG);
      fixture.disk.syncDirectory(DIRECTORY);
      fixture.crash();
      return (await fixture.start()).kraftVersion;
    };
    const before = new VoterFixture({ kraftVersion: 0 });
    expect(await knownBySnapshot(before, (await start(before)).driver)).to.equal(0);
    const { fixture, driver } = await raised();
    expect(await knownBySnapshot(fixture, driver)).to.equal(1);
    expect(directoriesOf(fixture.voter)).to.deep.equal([DIRECTORY_ID]);
  });

  it("writes the quorum's state in the form that goes with it from the next epoch on", async () => {
    const { fixture } = await raised();
    fixture.crash();
    await start(fixture);
    expect(fixture.disk.readFile(`${DIRECTORY}/quorum-state`).toString()).to.contain('"data_version":1');
  });
});
