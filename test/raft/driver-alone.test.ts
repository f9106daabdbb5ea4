import { expect } from "chai";
import { Errors } from "../../protocol/errors.ts";
import { encodeRecordBatch } from "../../src/raft/batches.ts";
import { readQuorumState } from "../../src/raft/quorum-state.ts";
import { MAX_BATCH_SIZE_BYTES } from "../../src/raft/replicated-log.ts";
import { snapshotFileName } from "../../src/raft/snapshot-id.ts";
import { DIRECTORY, ENDPOINT, Recorder, VoterFixture, values } from "./support/voter.ts";

const LOG = `${DIRECTORY}/00000000000000000000.log`;

async function rejection(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error("did not reject");
}

describe("quorum of one: elections", () => {
  it("begins epoch 1 of a formatted directory with leader change, version and voters, as Kafka does", async () => {
    const fixture = new VoterFixture();
    const voter = await fixture.start();
    expect(voter.leaderAndEpoch).to.deep.equal({ leaderId: 1, epoch: 1 });
    expect(voter.highWatermark).to.equal(3);
    const [batch] = fixture.log.batches;
    expect(batch?.controls.map(record => record.type)).to.deep.equal(["leaderChange", "kraftVersion", "voters"]);
    expect(batch?.epoch).to.equal(1);
  });

  it("raises the epoch at each start, and begins it with a leader change alone", async () => {
    const fixture = new VoterFixture();
    await fixture.start();
    for (const epoch of [2, 3, 4]) {
      fixture.crash();
      const voter = await fixture.start();
      expect(voter.leaderAndEpoch.epoch).to.equal(epoch);
      const last = fixture.log.batches.at(-1);
      expect(last?.controls.map(record => record.type)).to.deep.equal(["leaderChange"]);
      expect(last?.epoch).to.equal(epoch);
    }
  });

  it("names the epoch durably before anything is written in it", async () => {
    const fixture = new VoterFixture();
    const voter = fixture.open();
    let wasWritten = false;
    fixture.disk.onOperation = (operation, path) => {
      if (operation !== "writev" || !path.endsWith(".log")) return;
      wasWritten = true;
      expect(readQuorumState(fixture.disk.survivor(), DIRECTORY)?.leaderEpoch).to.equal(1);
    };
    await fixture.time.complete(voter.start());
    expect(wasWritten).to.equal(true);
  });

  it("goes beyond the epoch of the log where quorum-state lags behind", async () => {
    const fixture = new VoterFixture();
    await fixture.start();
    fixture.crash();
    await fixture.start();
    fixture.disk.remove(`${DIRECTORY}/quorum-state`);
    fixture.disk.syncDirectory(DIRECTORY);
    fixture.crash();
    expect((await fixture.start()).leaderAndEpoch.epoch).to.equal(3);
  });

  it("writes the voters anew when its endpoint changed", async () => {
    const fixture = new VoterFixture();
    await fixture.start();
    fixture.crash();
    const moved = { ...ENDPOINT, port: 1234 };
    const voter = await fixture.start({ endpoints: [moved] });
    expect(voter.voters[0]?.endpoints).to.deep.equal([moved]);
    fixture.crash();
    const again = await fixture.start({ endpoints: [moved] });
    expect(fixture.log.batches.at(-1)?.controls.map(record => record.type)).to.deep.equal(["leaderChange"]);
    expect(again.voters[0]?.endpoints).to.deep.equal([moved]);
  });

  it("writes no voters at kraft.version 0", async () => {
    const fixture = new VoterFixture({ kraftVersion: 0 });
    const voter = await fixture.start();
    expect(fixture.log.batches[0]?.controls.map(record => record.type)).to.deep.equal(["leaderChange"]);
    expect(voter.voterSet.ids).to.deep.equal([1]);
    expect(fixture.disk.readFile(`${DIRECTORY}/quorum-state`).toString()).to.contain('"data_version":0');
  });

  it("never leads by itself where others vote", async () => {
    const fixture = new VoterFixture({ otherVoterIds: [2, 3] });
    const voter = await fixture.start();
    await fixture.time.advance(60_000);
    expect(voter.isLeader()).to.equal(false);
    expect(voter.leaderAndEpoch.epoch, "pre-votes raise no epoch").to.equal(0);
    expect(fixture.log.logEndOffset).to.equal(0);
  });

  it("never leads with a directory that is not the one that votes", async () => {
    const fixture = new VoterFixture();
    const voter = await fixture.start({ directoryId: "AnotherDirectoryId123w" });
    await fixture.time.advance(60_000);
    expect(voter.isLeader()).to.equal(false);
    expect(fixture.disk.exists(`${DIRECTORY}/quorum-state`)).to.equal(false);
  });

  it("waits for space when the disk is full, and is elected when there is some", async () => {
    const fixture = new VoterFixture();
    const voter = fixture.open();
    const heal = fixture.disk.addFault({ operation: "writev", path: "quorum-state", code: "ENOSPC" });
    const started = voter.start();
    await fixture.time.advance(5000);
    expect(voter.isLeader()).to.equal(false);
    expect(fixture.logger.of("raft.state-not-written").length).to.be.within(3, 8);
    heal();
    await fixture.time.complete(started);
    expect(voter.isLeader()).to.equal(true);
    expect(fixture.fatal).to.deep.equal([]);
  });

  it("gives up when the state cannot be written for another reason", async () => {
    const fixture = new VoterFixture();
    fixture.disk.addFault({ operation: "sync", path: "quorum-state", code: "EIO" });
    await rejection(fixture.time.complete(fixture.open().start()));
    expect(fixture.fatal.length).to.equal(1);
  });

  it("comes back in a new epoch after resigning", async () => {
    const fixture = new VoterFixture();
    const voter = await fixture.start();
    const recorder = new Recorder();
    voter.subscribe(recorder);
    await fixture.settle();
    voter.resign(1, "test");
    expect(voter.leaderAndEpoch).to.deep.equal({ leaderId: -1, epoch: 1 });
    expect(voter.append(1, values("x"))).to.include({ ok: false, errorCode: Errors.NOT_CONTROLLER });
    await fixture.settle();
    expect(recorder.calls).to.deep.equal([
      "committed 0-2 e1 control",
      "leader e1",
      "resigned e1",
      "committed 3-3 e2 control",
      "leader e2",
    ]);
  });
});

describe("quorum of one: append and commit", () => {
  it("commits what is flushed, in order", async () => {
    const fixture = new VoterFixture();
    const voter = await fixture.start();
    const recorder = new Recorder();
    voter.subscribe(recorder);
    await fixture.settle();
    expect(voter.append(1, values("a", "b"))).to.deep.equal({ ok: true, baseOffset: 3, lastOffset: 4 });
    expect(voter.append(1, values("c"))).to.deep.equal({ ok: true, baseOffset: 5, lastOffset: 5 });
    expect(voter.highWatermark).to.equal(3);
    expect(recorder.records).to.deep.equal([]);
    await fixture.settle();
    expect(voter.highWatermark).to.equal(6);
    expect(recorder.calls.slice(2)).to.deep.equal(["committed 3-4 e1 a,b", "committed 5-5 e1 c"]);
  });

  it("tells nobody of a record that a crash can still take", async () => {
    const fixture = new VoterFixture();
    const voter = await fixture.start();
    voter.subscribe({
      loadSnapshot: () => {},
      committed: batch => {
        const survivor = fixture.disk.survivor();
        const bytes = survivor.readFile(`${DIRECTORY}/00000000000000000000.log`);
        for (const record of batch.records) expect(bytes.includes(record)).to.equal(true);
      },
    });
    for (let index = 0; index < 20; index++) {
      voter.append(1, values(`record-${index}`));
      if (index % 3 === 0) await fixture.time.step();
    }
    await fixture.settle();
    expect(voter.highWatermark).to.equal(23);
    expect(fixture.fatal).to.deep.equal([]);
  });

  it("commits what earlier epochs left only with the first record of its own", async () => {
    const fixture = new VoterFixture();
    const first = await fixture.start();
    first.append(1, values("kept"));
    await fixture.settle();
    fixture.crash();
    const voter = fixture.open();
    const recorder = new Recorder();
    voter.subscribe(recorder);
    const started = voter.start();
    fixture.disk.onOperation = () => {
      if (voter.highWatermark > 0) expect(voter.highWatermark).to.equal(5);
    };
    await fixture.time.complete(started);
    await fixture.settle();
    expect(recorder.calls).to.deep.equal([
      "committed 0-2 e1 control",
      "committed 3-3 e1 kept",
      "committed 4-4 e2 control",
      "leader e2",
    ]);
  });

  it("neither commits nor tells of leadership before that record is flushed", async () => {
    const fixture = new VoterFixture();
    (await fixture.start()).append(1, values("kept"));
    await fixture.settle();
    fixture.crash();
    const voter = fixture.open();
    const started = voter.start();
    await fixture.time.until(() => voter.isLeader());
    const recorder = new Recorder();
    voter.subscribe(recorder);
    const sync = fixture.disk.operationCount("sync");
    fixture.log.notifyFlushed();
    await Promise.resolve();
    expect(voter.highWatermark).to.equal(0);
    expect(recorder.calls).to.deep.equal([]);
    expect(fixture.disk.operationCount("sync")).to.be.at.most(sync + 1);
    await fixture.time.complete(started);
    await fixture.settle();
    expect(recorder.calls.at(-1)).to.equal("leader e2");
  });

  it("makes what it recovered durable before it leads: a killed process leaves more than it synced", async () => {
    const fixture = new VoterFixture();
    await fixture.start();
    const batch = encodeRecordBatch({ baseOffset: 3, epoch: 1, appendTimeMs: 1 }, values("in the page cache"));
    fixture.disk.open(LOG, "write").writev([batch], fixture.log.sizeBytes);
    let wasNamed = false;
    fixture.disk.onOperation = (operation, path) => {
      if (operation !== "rename" || !path.includes("quorum-state")) return;
      wasNamed = true;
      expect(fixture.disk.survivor().readFile(LOG).includes("page cache")).to.equal(true);
    };
    const again = fixture.open();
    await fixture.time.complete(again.start());
    expect(wasNamed).to.equal(true);
  });

  it("takes records of the leader's epoch only", async () => {
    const fixture = new VoterFixture();
    const voter = await fixture.start();
    for (const epoch of [0, 2]) {
      expect(voter.append(epoch, values("x"))).to.include({ ok: false, errorCode: Errors.NOT_CONTROLLER });
    }
    expect(voter.logEndOffset).to.equal(3);
  });

  it("appends only where expected", async () => {
    const fixture = new VoterFixture();
    const voter = await fixture.start();
    expect(voter.append(1, values("x"), { expectedBaseOffset: 4 }).ok).to.equal(false);
    expect(voter.logEndOffset).to.equal(3);
    expect(voter.append(1, values("x"), { expectedBaseOffset: 3 }).ok).to.equal(true);
  });

  it("refuses an empty batch and one above the limit", async () => {
    const fixture = new VoterFixture();
    const voter = await fixture.start();
    expect(voter.append(1, []).ok).to.equal(false);
    expect(voter.append(1, [Buffer.alloc(MAX_BATCH_SIZE_BYTES)])).to.include({
      ok: false,
      errorCode: Errors.RECORD_LIST_TOO_LARGE,
    });
    expect(voter.logEndOffset).to.equal(3);
  });

  it("carries the time it is given", async () => {
    const fixture = new VoterFixture();
    const voter = await fixture.start();
    voter.append(1, values("x"), { appendTimeMs: 123_456 });
    expect(fixture.log.batches.at(-1)?.appendTimeMs).to.equal(123_456);
  });

  it("starts over in a new epoch when the log takes appends back", async () => {
    const fixture = new VoterFixture();
    const voter = await fixture.start({ endpoints: [{ ...ENDPOINT, port: 1 }] });
    const recorder = new Recorder();
    voter.subscribe(recorder);
    voter.append(1, values("kept"));
    await fixture.settle();
    voter.append(1, values("gone"));
    fixture.log.takeBack();
    expect(voter.isLeader()).to.equal(false);
    await fixture.time.advance(1000);
    voter.append(2, values("after"));
    await fixture.settle();
    expect(recorder.calls).to.deep.equal([
      "committed 0-2 e1 control",
      "leader e1",
      "committed 3-3 e1 kept",
      "resigned e1",
      "committed 4-4 e2 control",
      "leader e2",
      "committed 5-5 e2 after",
    ]);
  });

  it("forgets the voters that the first batch of an epoch named when that is taken back", async () => {
    const fixture = new VoterFixture();
    const voter = fixture.open({ endpoints: [{ ...ENDPOINT, port: 1 }] });
    const started = voter.start();
    await fixture.time.until(() => voter.isLeader());
    fixture.log.takeBack();
    expect(voter.voters[0]?.endpoints[0]?.port).to.equal(ENDPOINT.port);
    await fixture.time.complete(started);
    expect(voter.leaderAndEpoch.epoch).to.equal(2);
    expect(voter.voters[0]?.endpoints[0]?.port).to.equal(1);
    expect(fixture.log.batches[0]?.controls.map(record => record.type)).to.deep.equal([
      "leaderChange",
      "kraftVersion",
      "voters",
    ]);
  });

  it("ends with a failed flush: leads no more, stops the node, commits nothing later", async () => {
    const fixture = new VoterFixture();
    const voter = await fixture.start();
    const recorder = new Recorder();
    voter.subscribe(recorder);
    await fixture.settle();
    fixture.disk.addFault({ operation: "sync", path: ".log", code: "EIO", times: 1 });
    voter.append(1, values("lost"));
    await fixture.time.advance(60_000);
    expect(fixture.fatal.length).to.equal(1);
    expect(voter.isLeader()).to.equal(false);
    expect(voter.append(1, values("x")).ok).to.equal(false);
    expect(recorder.calls.at(-1)).to.equal("resigned e1");
    expect(recorder.records).to.deep.equal([]);
  });

  it("stops the node when a subscriber throws, and tells that one nothing more", async () => {
    const fixture = new VoterFixture();
    const voter = await fixture.start();
    let calls = 0;
    voter.subscribe({
      loadSnapshot: () => {},
      committed: () => {
        calls += 1;
        throw new Error("contradiction");
      },
    });
    await fixture.settle();
    expect(calls).to.equal(1);
    expect(fixture.fatal.map(error => error.message)).to.deep.equal(["contradiction"]);
  });

  it("flushes at close what was appended", async () => {
    const fixture = new VoterFixture();
    const voter = await fixture.start();
    voter.append(1, values("last"));
    await fixture.time.complete(voter.close());
    fixture.crash();
    const again = await fixture.start();
    const recorder = new Recorder();
    again.subscribe(recorder);
    await fixture.settle();
    expect(recorder.records).to.deep.equal(["last"]);
  });
});

describe("quorum of one: subscribers", () => {
  for (const readsLater of [false, true]) {
    it(`that come late are told everything${readsLater ? ", when the log reads asynchronously" : ""}`, async () => {
      const fixture = new VoterFixture();
      const voter = await fixture.start();
      fixture.log.readsLater = readsLater;
      const early = new Recorder();
      voter.subscribe(early);
      const late: Recorder[] = [];
      for (let index = 0; index < 30; index++) {
        voter.append(1, values(`${index}`));
        if (index % 4 === 0) await fixture.time.step();
        if (index % 7 === 0) {
          const recorder = new Recorder();
          voter.subscribe(recorder);
          late.push(recorder);
        }
      }
      await fixture.settle();
      const all = Array.from({ length: 30 }, (_, index) => `${index}`);
      for (const recorder of [early, ...late]) {
        expect(recorder.records).to.deep.equal(all);
        expect(recorder.calls.filter(call => call === "leader e1").length).to.equal(1);
      }
    });
  }

  it("hear nothing after they leave", async () => {
    const fixture = new VoterFixture();
    const voter = await fixture.start();
    const recorder = new Recorder();
    const leave = voter.subscribe(recorder);
    await fixture.settle();
    leave();
    voter.append(1, values("x"));
    voter.resign(1, "test");
    await fixture.settle();
    expect(recorder.calls).to.deep.equal(["committed 0-2 e1 control", "leader e1"]);
  });

  it("hear who leads", async () => {
    const fixture = new VoterFixture();
    const voter = await fixture.start();
    const leaders: string[] = [];
    voter.subscribe({
      loadSnapshot: () => {},
      committed: () => {},
      leaderChanged: ({ leaderId, epoch }) => leaders.push(`${leaderId} e${epoch}`),
    });
    await fixture.settle();
    voter.resign(1, "test");
    await fixture.settle();
    expect(leaders).to.deep.equal(["1 e1", "-1 e1", "1 e2"]);
  });
});

describe("quorum of one: snapshots", () => {
  async function snapshotOf(fixture: VoterFixture, records: string[]): Promise<void> {
    const { voter } = fixture;
    const id = { endOffset: voter.highWatermark, epoch: voter.leaderAndEpoch.epoch };
    const writer = voter.createSnapshot(id, fixture.time.now());
    writer?.append(values(...records));
    await fixture.time.complete(writer?.freeze() ?? Promise.reject(new Error("no writer")));
  }

  it("stand in for the log that they cover", async () => {
    const fixture = new VoterFixture();
    const voter = await fixture.start();
    voter.append(1, values("a", "b"));
    await fixture.settle();
    await snapshotOf(fixture, ["a+b"]);
    voter.append(1, values("c"));
    await fixture.settle();
    const recorder = new Recorder();
    voter.subscribe(recorder);
    await fixture.settle();
    expect(recorder.calls).to.deep.equal(["snapshot 5-1", "committed 5-5 e1 c", "leader e1"]);
    expect(recorder.records).to.deep.equal(["a+b", "c"]);
  });

  it("carry the voters to the next start", async () => {
    const fixture = new VoterFixture();
    await fixture.start();
    await snapshotOf(fixture, ["x"]);
    fixture.crash();
    const voter = await fixture.start();
    expect(voter.kraftVersion).to.equal(1);
    expect(voter.voters[0]?.endpoints).to.deep.equal([ENDPOINT]);
    expect(fixture.log.batches.at(-1)?.controls.map(record => record.type)).to.deep.equal(["leaderChange"]);
  });

  it("are not made of what is not committed", async () => {
    const fixture = new VoterFixture();
    const voter = await fixture.start();
    voter.append(1, values("a"));
    expect(() => voter.createSnapshot({ endOffset: 4, epoch: 1 }, 1)).to.throw(/only 3 is committed/);
  });

  it("are not made twice", async () => {
    const fixture = new VoterFixture();
    const voter = await fixture.start();
    await snapshotOf(fixture, ["x"]);
    expect(voter.createSnapshot({ endOffset: voter.highWatermark, epoch: 1 }, 1)).to.equal(null);
  });

  it("let the log go that retention does not keep", async () => {
    const fixture = new VoterFixture();
    const voter = await fixture.start({ retention: { maxBytes: 2000, maxAgeMs: -1 } });
    for (let round = 0; round < 6; round++) {
      voter.append(1, [Buffer.alloc(900, `${round}`)]);
      await fixture.settle();
      await snapshotOf(fixture, [`round ${round}`]);
    }
    expect(voter.logStartOffset).to.be.greaterThan(3);
    const names = fixture.disk.list(DIRECTORY).filter(name => name.endsWith(".checkpoint"));
    expect(names).to.include(snapshotFileName({ endOffset: 9, epoch: 1 }));
    expect(names).not.to.include(snapshotFileName({ endOffset: 0, epoch: 0 }));
    const recorder = new Recorder();
    voter.subscribe(recorder);
    await fixture.settle();
    expect(recorder.records).to.deep.equal(["round 5"]);
  });

  it("older than retention go, but for the newest", async () => {
    const fixture = new VoterFixture();
    const voter = await fixture.start({ retention: { maxBytes: -1, maxAgeMs: 1000 } });
    await snapshotOf(fixture, ["old"]);
    await fixture.time.advance(5000);
    voter.append(1, values("a"));
    await fixture.settle();
    await snapshotOf(fixture, ["new"]);
    const names = fixture.disk.list(DIRECTORY).filter(name => name.endsWith(".checkpoint"));
    expect(names).to.deep.equal([snapshotFileName({ endOffset: 4, epoch: 1 })]);
  });

  it("that are corrupt are set aside, and an older one and the log do", async () => {
    const fixture = new VoterFixture();
    const voter = await fixture.start();
    voter.append(1, values("a"));
    await fixture.settle();
    await snapshotOf(fixture, ["a"]);
    const path = `${DIRECTORY}/${snapshotFileName({ endOffset: 4, epoch: 1 })}`;
    const bytes = fixture.disk.readFile(path);
    bytes[bytes.length - 80] = (bytes[bytes.length - 80] as number) ^ 1;
    fixture.disk.writeFile(path, bytes);
    const again = await fixture.start();
    const recorder = new Recorder();
    again.subscribe(recorder);
    await fixture.settle();
    expect(recorder.records).to.deep.equal(["a"]);
    expect(fixture.disk.exists(`${path}.corrupt`)).to.equal(true);
    expect(fixture.logger.of("snapshot.corrupt").length).to.equal(1);
  });

  it("that are corrupt and all there is of the past keep the node from starting", async () => {
    const fixture = new VoterFixture();
    const voter = await fixture.start({ retention: { maxBytes: 1, maxAgeMs: -1 } });
    voter.append(1, values("a"));
    await fixture.settle();
    await snapshotOf(fixture, ["a"]);
    const path = `${DIRECTORY}/${snapshotFileName({ endOffset: 4, epoch: 1 })}`;
    fixture.disk.writeFile(path, Buffer.alloc(200));
    const again = fixture.open();
    fixture.log.advanceLogStart(4);
    const error = await rejection(fixture.time.complete(again.start()));
    expect(error.message).to.contain("no intact snapshot");
    expect(fixture.disk.exists(`${path}.corrupt`)).to.equal(true);
  });

  it("beyond the end of the log have the log start after them", async () => {
    const fixture = new VoterFixture();
    const voter = await fixture.start();
    voter.append(1, values("a"));
    await fixture.settle();
    await snapshotOf(fixture, ["a"]);
    fixture.disk.remove(`${DIRECTORY}/00000000000000000000.log`);
    const again = await fixture.start();
    expect(again.logStartOffset).to.equal(4);
    expect(again.leaderAndEpoch.epoch).to.equal(2);
    const recorder = new Recorder();
    again.subscribe(recorder);
    await fixture.settle();
    expect(recorder.calls).to.deep.equal(["snapshot 4-1", "committed 4-4 e2 control", "leader e2"]);
  });

  it("left half written are removed at start", async () => {
    const fixture = new VoterFixture();
    await fixture.start();
    const part = `${DIRECTORY}/00000000000000000009-0000000001-77.checkpoint.part`;
    fixture.disk.writeFile(part, Buffer.from("half"));
    await fixture.start();
    expect(fixture.disk.exists(part)).to.equal(false);
  });
});
