/**
 * Our server-side assignors beside Kafka's own classes, on random groups that change: members come and go, topics grow, subscriptions differ. Each step
 * builds on the assignment that ours has made.
 */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import type { Assignment } from "../../src/coordinators/group/consumer/assignment.ts";
import {
  type AssignorInput,
  type AssignorMember,
  assignors,
} from "../../src/coordinators/group/consumer/assignors/index.ts";
import type { AssignorName } from "../../src/coordinators/group/group-options.ts";
import { randomUuid } from "../../src/metadata/storage/ids.ts";
import { SeededRandom } from "../../src/platform/memory-random.ts";
import { kafkaClassPath, requireKafkaTools } from "../support/kafka-tools.ts";

const HISTORIES = 60;
const STEPS = 6;
const SOURCE = fileURLToPath(new URL("KafkaAssignors.java", import.meta.url));

interface Case {
  readonly input: AssignorInput;
  readonly ours: ReadonlyMap<string, Assignment>;
  readonly line: string;
}

describe("assignors beside Kafka's", function () {
  this.timeout(120_000);

  before(function () {
    requireKafkaTools(this);
  });

  for (const subscriptions of ["alike", "mixed"] as const) {
    it(`range gives exactly what Kafka gives where subscriptions are ${subscriptions}`, () => {
      for (const { ours, kafka, line } of compared("range", subscriptions)) expect(ours, line).to.equal(kafka);
    });

    it(`uniform is as even as Kafka's where subscriptions are ${subscriptions}`, () => {
      for (const { ours, kafka, line } of compared("uniform", subscriptions)) {
        expect(unevenness(ours), line).to.be.at.most(unevenness(kafka));
      }
    });
  }

  // Where subscriptions differ, ours moves some more: about a tenth in these histories.
  it("uniform moves no more than Kafka's where subscriptions are alike", () => {
    let ourMoves = 0;
    let kafkaMoves = 0;
    for (const { ours, kafka, owned } of compared("uniform", "alike")) {
      ourMoves += movesFrom(owned, ours);
      kafkaMoves += movesFrom(owned, kafka);
    }
    expect(ourMoves, "moves").to.be.at.most(kafkaMoves);
  });
});

/** Both results as text, `member:topic/partition,… …`. */
function compared(name: AssignorName, subscriptions: "alike" | "mixed") {
  const cases = Array.from({ length: HISTORIES }, (_, seed) =>
    history(name, subscriptions, `${name}-${subscriptions}-${seed}`),
  ).flat();
  const output = execFileSync("java", ["-XX:TieredStopAtLevel=1", "-cp", kafkaClassPath(), SOURCE], {
    input: cases.map(({ line }) => `${line}\n`).join(""),
    encoding: "utf8",
  });
  const lines = output.trimEnd().split("\n");
  expect(lines).to.have.length(cases.length);
  return cases.map(({ input, ours, line }, index) => ({
    line,
    kafka: lines[index]!,
    ours: textOf(input.members.map(({ memberId }) => [memberId, ours.get(memberId)!])),
    owned: textOf(input.members.map(({ memberId, target }) => [memberId, target])),
  }));
}

function history(name: AssignorName, subscriptions: "alike" | "mixed", seed: string): Case[] {
  const random = new SeededRandom(seed);
  const topics = Array.from({ length: 1 + random.integer(4) }, () => ({
    id: randomUuid(random),
    count: 1 + random.integer(8),
  }));
  topics.sort((a, b) => (a.id < b.id ? -1 : 1));
  const wanted = () => {
    const some = topics.filter(() => subscriptions === "alike" || random.integer(2) === 0);
    return (some.length === 0 ? topics : some).map(({ id }) => id);
  };
  let members: AssignorMember[] = [];
  let nextMember = 0;
  const cases: Case[] = [];
  for (let step = 0; step < STEPS; step++) {
    for (let joining = 1 + random.integer(3); joining > 0; joining--) {
      members.push({ memberId: `m${10 + nextMember++}`, instanceId: null, topicIds: wanted(), target: new Map() });
    }
    if (members.length > 2 && random.integer(2) === 0) members.splice(random.integer(members.length), 1);
    if (random.integer(3) === 0) topics[random.integer(topics.length)]!.count += 1 + random.integer(3);
    const partitionCount = (id: string) => topics.find(topic => topic.id === id)!.count;
    const input: AssignorInput = { members, isHomogeneous: subscriptions === "alike", partitionCount };
    const ours = assignors[name](input);
    const described = members.map(
      ({ memberId, topicIds, target }) => `${memberId}:${topicIds.join(",")}:${partitionsOf(target).join(",")}`,
    );
    const counts = topics.map(({ id, count }) => `${id}=${count}`).join(",");
    cases.push({ input, ours, line: [name, subscriptions, counts, ...described].join(" ") });
    members = members.map(member => ({ ...member, target: ours.get(member.memberId)! }));
  }
  return cases;
}

function partitionsOf(assignment: Assignment): string[] {
  return Array.from(assignment, ([topicId, partitions]) =>
    Array.from(partitions, partition => `${topicId}/${partition}`),
  ).flat();
}

function textOf(members: readonly (readonly [string, Assignment])[]): string {
  return members
    .map(([memberId, assignment]) => `${memberId}:${partitionsOf(assignment).sort().join(",")}`)
    .sort()
    .join(" ");
}

/** Sum of the squares of what members have: less is more even. */
function unevenness(text: string): number {
  return Array.from(sets(text).values(), ({ size }) => size ** 2).reduce((sum, square) => sum + square, 0);
}

/** Partitions that a member had and has no more. */
function movesFrom(before: string, after: string): number {
  const now = sets(after);
  let count = 0;
  for (const [memberId, partitions] of sets(before)) {
    for (const partition of partitions) if (!now.get(memberId)!.has(partition)) count += 1;
  }
  return count;
}

function sets(text: string): Map<string, Set<string>> {
  return new Map(
    text.split(" ").map(word => {
      const [memberId = "", partitions = ""] = word.split(":");
      return [memberId, new Set(partitions.split(",").filter(partition => partition !== ""))];
    }),
  );
}
