/**
 * Controllers of Samsa and of Apache Kafka as voters of one quorum: elected by each other's votes, following each other's logs and snapshots. The steps
 * build on each other; each ends with topics made, written and read through every node.
 */
import { expect } from "chai";
import { decodeBatches } from "../../../src/raft/batches.ts";
import { faults, write } from "../../support/kafka-records.ts";
import type { ToolBelt } from "../../support/kafka-tool-belt.ts";
import { requireKafkaTools } from "../../support/kafka-tools.ts";
import { readMetadataLog, snapshotEnds } from "../../support/metadata-log-files.ts";
import { field, rows, voters } from "../../support/metadata-quorum-output.ts";
import { MixedQuorum, type NodeKind, type QuorumNode, requireAllQuorums } from "../../support/mixed-quorum.ts";

/** The node of the one kind; the others are of the other. */
const LONE = 3;
const PAIR = [1, 2];
const RECORDS = 50;
const PROPERTIES = {
  // More than the steps before the snapshots write, and less than two changes there add.
  "metadata.log.max.record.bytes.between.snapshots": 60_000,
  "metadata.max.retention.bytes": 100_000,
  // Snapshots are fetched in several parts.
  "controller.quorum.fetch.snapshot.max.bytes": 10_000,
  "metadata.max.idle.interval.ms": 5000,
};
/** Kafka looks every minute for what to retain no longer. */
const TRIMMED_MS = 90_000;
const LOOK_INTERVAL_MS = 200;

const COMPOSITIONS: readonly (readonly [pair: NodeKind, lone: NodeKind])[] = [
  ["Samsa", "Apache Kafka"],
  ["Apache Kafka", "Samsa"],
];

for (const [pair, lone] of COMPOSITIONS) {
  for (const hasStaticVoters of [true, false]) {
    describe(`two controllers of ${pair} and one of ${lone}, voters in the ${hasStaticVoters ? "configuration" : "log"}`, function () {
      this.timeout(180_000);
      this.bail(true);
      let quorum: MixedQuorum;
      let tools: ToolBelt;
      let changes = 0;
      let hasVotersInLog = !hasStaticVoters;

      before(async function () {
        this.timeout(300_000);
        requireKafkaTools(this);
        if (pair !== "Samsa" || !hasStaticVoters) requireAllQuorums(this);
        quorum = await MixedQuorum.start([pair, pair, lone], { hasStaticVoters, properties: PROPERTIES });
        tools = quorum.tools;
      });

      after(async () => {
        await quorum?.dispose();
      });

      it("agree on a leader", async () => {
        await serves("first");
        await tellsTheTruth();
      });

      it(`elect the one of ${lone} by a vote of ${pair}`, async () => {
        const voter = await quorum.elect(LONE, () => created("unseen-by-voter"));
        expect(electionsIn(LONE).at(-1)).to.deep.equal({ leader: LONE, voters: [voter, LONE] });
        await serves("under-lone");
        await tellsTheTruth();
      });

      it(`go on under ${pair} without ${lone}, which catches up from the log`, async () => {
        const node = quorum.node(LONE);
        await node.stop();
        const leader = await quorum.leader(id => id !== LONE);
        await created("without-lone");
        await tellsTheTruth();
        await node.start();
        expect(await quorum.leader()).to.equal(leader);
        await serves("without-lone");
        expect(readMetadataLog(node.dataDir).startOffset).to.equal(0);
      });

      it(`elect another of ${pair} by the vote of ${lone}`, async () => {
        const before = await quorum.leader();
        const other = PAIR.find(id => id !== before)!;
        expect(await quorum.elect(other, () => created("unseen-by-lone"))).to.equal(LONE);
        expect(electionsIn(other).at(-1)).to.deep.equal({ leader: other, voters: [other, LONE] });
        await serves("under-pair");
        await tellsTheTruth();
      });

      if (!hasStaticVoters) {
        it(`remove the one of ${lone} under ${pair}, and add it again`, async () => {
          await removedAndAdded(LONE);
        });
      }

      it("hold the same bytes, written by leaders of both kinds", async () => {
        await holdsTheSameBytes();
        const leaders = electionsIn(LONE).map(({ leader }) => leader);
        expect(leaders).to.include(LONE);
        expect(leaders.some(id => PAIR.includes(id))).to.equal(true);
      });

      it(`bring ${lone} up to date by a snapshot of ${pair}`, async () => {
        expect(await quorum.leader()).to.be.oneOf(PAIR);
        await catchesUpBySnapshot(LONE);
        await tellsTheTruth();
      });

      if (!hasStaticVoters) {
        it(`remove one of ${pair} under ${lone}, and add it again`, async () => {
          await quorum.elect(LONE, () => created("before-removal"));
          await removedAndAdded(PAIR[1]!);
        });
      }

      it(`bring ${pair} up to date by a snapshot of ${lone}`, async () => {
        if ((await quorum.leader()) !== LONE) await quorum.elect(LONE, () => created("before-snapshot"));
        await catchesUpBySnapshot(PAIR[0]!);
        await tellsTheTruth();
        await holdsTheSameBytes();
      });

      if (hasStaticVoters) {
        it(`write their voters to the log under ${lone}, and change them under both`, async () => {
          if ((await quorum.leader()) !== LONE) await quorum.elect(LONE, () => created("before-upgrade"));
          await tools.ask("kafka-features", "upgrade", "--feature", "kraft.version=1");
          hasVotersInLog = true;
          await tellsTheTruth();
          await removedAndAdded(PAIR[1]!);
          await quorum.elect(PAIR[0]!, () => created("after-upgrade"));
          await removedAndAdded(LONE);
          await serves("after-upgrade");
          await holdsTheSameBytes();
        });
      }

      /** Makes a topic, some of whose replicas may be away. */
      async function created(topic: string): Promise<void> {
        const shape = ["--partitions", "3", "--replication-factor", "3", "--config", "min.insync.replicas=2"];
        await tools.ask("kafka-topics", "--create", "--topic", topic, ...shape);
      }

      /** Has a topic written and read through every node, and made before if need be. */
      async function serves(topic: string): Promise<void> {
        if (!(await tools.ask("kafka-topics", "--list")).split("\n").includes(topic)) await created(topic);
        await quorum.whole(topic);
        let written = 0;
        for (const { address } of quorum.nodes) {
          await write(address, topic, RECORDS, written);
          written += RECORDS;
        }
        for (const { id, address } of quorum.nodes)
          expect(await faults(address, topic, written), `${topic} through node ${id}`).to.deep.equal([]);
      }

      /** Holds what is told of the quorum, through brokers and controllers of both kinds, against the files of the nodes. */
      async function tellsTheTruth(): Promise<void> {
        const leader = await quorum.leader();
        const status = await tools.ask("kafka-metadata-quorum", "describe", "--status");
        const log = readMetadataLog(quorum.node(leader).dataDir);
        expect(field(status, "LeaderEpoch")).to.equal(String(log.batches.at(-1)!.epoch));
        expect(Number(field(status, "HighWatermark"))).to.be.within(1, log.endOffset);
        expect(voters(status)).to.deep.equal([...PAIR, LONE]);
        expect(field(status, "CurrentObservers")).to.equal("[]");
        if (hasVotersInLog) {
          const expected = quorum.nodes.map(({ id, directoryId, controllerAddress }) => ({
            id,
            directoryId,
            endpoints: [`CONTROLLER://${controllerAddress}`],
          }));
          expect(JSON.parse(field(status, "CurrentVoters"))).to.have.deep.members(expected);
        }
        for (const { id, address, controllerAddress } of quorum.running) {
          for (const place of [
            ["--bootstrap-server", address],
            ["--bootstrap-controller", controllerAddress],
          ]) {
            const told = await tools.ask("kafka-metadata-quorum", ...place, "describe", "--status");
            expect(field(told, "LeaderId"), `${place[0]} of node ${id}`).to.equal(String(leader));
          }
        }
        await tellsOfReplicas(leader);
      }

      async function tellsOfReplicas(leader: number): Promise<void> {
        const printed = rows(await tools.ask("kafka-metadata-quorum", "describe", "--replication"));
        const leaderEnd = Number(printed.find(([id]) => id === String(leader))![2]);
        expect(printed.map(([id]) => Number(id)).sort()).to.deep.equal([...PAIR, LONE]);
        for (const [id, , end, lag, , , role] of printed) {
          const node = quorum.node(Number(id));
          expect(role, id).to.equal(node.id === leader ? "Leader" : "Follower");
          expect(Number(lag), id).to.equal(leaderEnd - Number(end));
          if (node.isRunning) expect(Number(end), id).to.be.within(1, readMetadataLog(node.dataDir).endOffset);
          else expect(Number(end), id).to.be.below(leaderEnd);
        }
      }

      /** Compares what is committed and all still have in their logs. */
      async function holdsTheSameBytes(): Promise<void> {
        const status = await tools.ask("kafka-metadata-quorum", "describe", "--status");
        const committed = Number(field(status, "HighWatermark"));
        const isThere = (printed: string) => rows(printed).every(([, , end]) => Number(end) >= committed);
        await tools.until(isThere, "kafka-metadata-quorum", "describe", "--replication");
        const logs = quorum.nodes.map(({ dataDir }) => readMetadataLog(dataDir));
        const start = Math.max(...logs.map(({ startOffset }) => startOffset));
        const [first, ...others] = logs.map(({ batches }) =>
          batches.filter(({ baseOffset, lastOffset }) => baseOffset >= start && lastOffset < committed),
        );
        expect(first!.at(0)?.baseOffset).to.equal(start);
        expect(first!.at(-1)?.lastOffset).to.equal(committed - 1);
        const bytes = Buffer.concat(first!.map(batch => batch.bytes));
        for (const other of others) expect(Buffer.concat(other.map(batch => batch.bytes)).equals(bytes)).to.equal(true);
      }

      /** Who was elected by whose votes, as a node's log has it. */
      function electionsIn(id: number): { readonly leader: number; readonly voters: readonly number[] }[] {
        const { batches } = readMetadataLog(quorum.node(id).dataDir);
        const controls = batches.flatMap(({ bytes }) => [...decodeBatches(bytes)]).flatMap(batch => batch.controls);
        return controls.flatMap(control => {
          if (control.type !== "leaderChange") return [];
          return [{ leader: control.leaderId, voters: [...control.grantingVoterIds].sort() }];
        });
      }

      async function removedAndAdded(id: number): Promise<void> {
        const node = quorum.node(id);
        const tool = "kafka-metadata-quorum";
        const key = ["--controller-id", String(id), "--controller-directory-id", node.directoryId];
        await tools.ask(tool, "remove-controller", ...key);
        const observes = (status: string) => field(status, "CurrentObservers").includes(node.directoryId);
        const without = await tools.until(observes, tool, "describe", "--status");
        expect(voters(without)).to.deep.equal([...PAIR, LONE].filter(voter => voter !== id));
        await tools.ask(tool, "--command-config", node.propertiesFile, "add-controller");
        await tools.until(status => field(status, "CurrentObservers") === "[]", tool, "describe", "--status");
        await tellsTheTruth();
      }

      /** Stops a node until the leader has let go of the log that it would need, and starts it again. */
      async function catchesUpBySnapshot(id: number): Promise<void> {
        const [node, leader] = [quorum.node(id), quorum.node(await quorum.leader())];
        await node.stop();
        const { endOffset } = readMetadataLog(node.dataDir);
        await growsByALot();
        await growsByALot();
        const [first] = await snapshotsOf(leader, ends => ends.some(end => end > endOffset));
        await growsByALot();
        await growsByALot();
        // The log begins behind the oldest snapshot that is kept.
        await snapshotsOf(leader, ends => ends[0]! > Math.max(first!, endOffset));
        await created(`unseen-by-${id}`);
        await node.start();
        await serves(`unseen-by-${id}`);
        const { startOffset } = readMetadataLog(node.dataDir);
        expect(startOffset).to.be.above(endOffset);
        expect(snapshotEnds(node.dataDir)).to.include(startOffset);
      }

      /** Resolves with the ends of a node's snapshots once they are as wanted. */
      async function snapshotsOf(
        { id, dataDir }: QuorumNode,
        areWanted: (ends: number[]) => boolean,
      ): Promise<number[]> {
        const deadlineMs = performance.now() + TRIMMED_MS;
        for (;;) {
          const ends = snapshotEnds(dataDir);
          if (areWanted(ends)) return ends.filter(end => end > 0);
          if (performance.now() > deadlineMs) throw new Error(`node ${id} keeps snapshots up to ${ends}`);
          await new Promise(resolve => setTimeout(resolve, LOOK_INTERVAL_MS));
        }
      }

      /** Changes settings that mean nothing, by some 50,000 bytes. */
      async function growsByALot(): Promise<void> {
        const first = 1_000_000_000 + ++changes;
        // Long numbers, few of them: kafka-configs takes seconds over thousands.
        const list = Array.from({ length: 1100 }, (_, index) => `${first + index}:1000000000`).join(",");
        const settings = ["leader", "follower"].map(side => `${side}.replication.throttled.replicas=[${list}]`);
        await tools.ask("kafka-configs", "--alter", "--topic", "first", "--add-config", settings.join(","));
      }
    });
  }
}
