/** The clients of a simulated cluster: started together, brought to an end together, and asked at the end whether all is there. */
import { InvariantError } from "../world.ts";
import { CLIENT_PORT } from "./broker-process.ts";
import { SimAdmin } from "./clients/sim-admin.ts";
import { SimClient } from "./clients/sim-client.ts";
import { SimCommitter } from "./clients/sim-committer.ts";
import { SimConsumer } from "./clients/sim-consumer.ts";
import { SimProducer } from "./clients/sim-producer.ts";
import type { ClusterSimulation } from "./cluster-simulation.ts";
import type { History } from "./history.ts";

const TOPIC_NAMES = ["orders", "events", "audit"];

export class ClusterClients {
  readonly #simulation: ClusterSimulation;
  readonly #history: History;
  readonly #topics: readonly { name: string; partitions: number; replicationFactor: number }[];
  readonly producers: SimProducer[] = [];
  readonly #consumers: SimConsumer[] = [];
  #committer!: SimCommitter;
  #admin!: SimAdmin;
  #adminClient!: SimClient;
  #clientCount = 0;

  constructor(simulation: ClusterSimulation) {
    this.#simulation = simulation;
    this.#history = simulation.history;
    const { topics, partitions, replicationFactor } = simulation.scenario;
    this.#topics = TOPIC_NAMES.slice(0, topics).map(name => ({ name, partitions, replicationFactor }));
  }

  /** Has the topics created. */
  async prepare(limitMs: number): Promise<void> {
    const { scenario, brokerNames } = this.#simulation;
    this.#adminClient = this.#client("c1");
    this.#admin = new SimAdmin(
      {
        deeds: scenario.deeds,
        everyMs: scenario.deedEveryMs,
        topics: this.#topics,
        repeatCount: () => this.#simulation.repeatCount,
        brokerIds: brokerNames.map(name => Number(name.slice(1))),
      },
      { client: this.#adminClient, history: this.#history, fail: error => this.#simulation.fail(error) },
    );
    const { random } = this.#simulation;
    const configs: Record<string, string> = { "index.interval.bytes": "200", ...scenario.topicConfigs };
    if (random.chance(0.5)) configs["segment.ms"] = "400";
    if (random.chance(0.5)) configs["internal.segment.bytes"] = random.pick(["4000", "20000"]);
    let isReady = false;
    this.#admin.createTopics(configs).then(
      () => {
        isReady = true;
      },
      (error: unknown) => this.#simulation.fail(error as Error),
    );
    if (!(await this.#simulation.runFor(limitMs + 5_000, () => isReady))) {
      throw new InvariantError(`no topics could be created in ${limitMs} ms`);
    }
  }

  start(): void {
    const { random, scenario } = this.#simulation;
    const fail = (error: Error): void => this.#simulation.fail(error);
    const history = this.#history;
    const partitions = Array.from({ length: scenario.partitions }, (_, index) => index);
    for (const [index, topic] of this.#topics.entries()) {
      const options = {
        topic: topic.name,
        partitions,
        everyMs: random.pick([12, 25, 50]),
        maxVersion: random.pick([7, 11, 12, 13]),
        maxRecords: random.pick([1, 3, 8]),
      };
      const client = this.#client(index % 2 === 0 ? "c2" : "c3");
      this.producers.push(new SimProducer({ ...options, isCareful: true }, { client, history, fail }));
      if (index > 0) continue;
      const careless = this.#client("c3");
      this.producers.push(
        new SimProducer({ ...options, everyMs: 60, isCareful: false }, { client: careless, history, fail }),
      );
    }
    for (const producer of this.producers) producer.start();
    this.#consume("c5", history);
    this.#committer = new SimCommitter(
      { groupId: "billing", topic: this.#topics[0]!.name, partitions, everyMs: 40 },
      { client: this.#client("c5"), history, fail },
    );
    this.#committer.start();
    this.#admin.start();
  }

  /** No new work from here on. */
  finish(): void {
    for (const producer of this.producers) producer.finish();
    this.#committer.finish();
    this.#admin.finish();
  }

  /** All that was sent is settled, everything acknowledged can be read once and in order, and offsets are as committed. */
  async verify(limitMs: number, when: string): Promise<void> {
    const fresh = this.#consume("c4", this.#history);
    this.#committer.verifyAgain();
    const isDone = (): boolean =>
      this.producers.every(each => each.isDone) &&
      this.#consumers.every(each => each.isCaughtUp) &&
      this.#committer.isDone &&
      this.#admin.isDone;
    if (!(await this.#simulation.runFor(limitMs, isDone))) {
      throw new InvariantError(`clients are not done ${limitMs} ms ${when}: ${this.#describe()}`);
    }
    this.#checkAcked(fresh);
    fresh.stop();
    this.#consumers.splice(this.#consumers.indexOf(fresh), 1);
  }

  /** Topics are as was acknowledged; asked once every broker has the newest metadata, since each answers from its own. */
  async verifyTopics(limitMs: number, when: string): Promise<void> {
    let isFresh = false;
    const ask = (): void => {
      this.#adminClient.refreshAnew().then(isAnswered => {
        isFresh = isAnswered;
        if (!isAnswered) this.#simulation.later(50, ask);
      });
    };
    ask();
    if (!(await this.#simulation.runFor(limitMs, () => isFresh)))
      throw new InvariantError(`nobody tells of topics ${when}`);
    this.#admin.checkTopics();
  }

  #checkAcked(reader: SimConsumer): void {
    for (const { key, startOffset, nextOffset } of reader.progress()) {
      const { ackedOffsets, ackedSomewhere, maybeDeletedTo, placed } = this.#history.partition(key);
      for (const offset of ackedOffsets) {
        if (offset >= startOffset ? offset < nextOffset : offset < maybeDeletedTo) continue;
        throw new InvariantError(`${key}@${offset} ${placed.get(offset)?.value} was acknowledged and is not there`);
      }
      for (const value of ackedSomewhere) {
        if (this.#history.partition(key).offsetOf(value) === undefined && startOffset === 0) {
          throw new InvariantError(`${value} was acknowledged as a duplicate and is not there`);
        }
      }
    }
  }

  #consume(machine: string, history: History): SimConsumer {
    const { random, scenario } = this.#simulation;
    const consumer = new SimConsumer(
      {
        partitions: this.#topics.flatMap(({ name }) =>
          Array.from({ length: scenario.partitions }, (_, partition) => ({ topic: name, partition })),
        ),
        maxWaitMs: random.pick([0, 100, 500]),
        maxBytes: random.pick([2_000, 20_000, 1_000_000]),
        maxVersion: random.pick([10, 11, 12, 17]),
        usesSessions: random.chance(0.5),
        pauseMs: random.pick([20, 60]),
      },
      { client: this.#client(machine), history, fail: error => this.#simulation.fail(error) },
    );
    consumer.start();
    this.#consumers.push(consumer);
    return consumer;
  }

  #client(machine: string): SimClient {
    const { world, random, brokerNames } = this.#simulation;
    this.#clientCount += 1;
    const name = `${machine}.${this.#clientCount}`;
    return new SimClient(
      {
        name,
        bootstrap: brokerNames.map(host => ({ host, port: CLIENT_PORT })),
        requestTimeoutMs: 2_500,
      },
      {
        platform: this.#simulation.platformOf(machine),
        random: random.fork(name),
        note: what => world.note(name, what),
      },
    );
  }

  #describe(): string {
    const producers = this.producers.map(each => each.describe());
    const consumers = this.#consumers.filter(each => !each.isCaughtUp).map(each => each.describe());
    return `producers [${producers.join("; ")}], consumers [${consumers.join("; ")}], group ${this.#committer.isDone}`;
  }
}
