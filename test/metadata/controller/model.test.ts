/**
 * Random administration against a model of a few maps: every answer is the one the model expects, and what the log says is what everybody
 * believes.
 */
import { expect } from "chai";
import { Errors } from "../../../protocol/errors.ts";
import { ZERO_UUID } from "../../../protocol/schema.ts";
import { ImageEditor } from "../../../src/metadata/apply.ts";
import { emptyImage } from "../../../src/metadata/image.ts";
import { metadataRecordCodec } from "../../../src/metadata/records.ts";
import { snapshotRecords } from "../../../src/metadata/snapshot.ts";
import { SeededRandom } from "../../../src/platform/memory-random.ts";
import { ControllerFixture, newTopic, uuidOf } from "../support/controller-fixture.ts";
import { imageFromRecords, plain } from "../support/kafka-metadata.ts";

const HISTORIES = 100;
const STEPS = 40;
const NAMES = ["a", "b", "c.d", "c_d", "..", "e"];
const CONFIGS = ["retention.ms", "segment.ms"];

interface ModelTopic {
  readonly id: string;
  partitions: number;
  readonly configs: Map<string, string>;
}

class History {
  readonly #random: SeededRandom;
  readonly #topics = new Map<string, ModelTopic>();
  readonly #producerIds = new Set<number>();
  #incarnation = 1;
  #fixture!: ControllerFixture;

  constructor(seed: number) {
    this.#random = new SeededRandom(seed);
  }

  async run(): Promise<void> {
    this.#fixture = await ControllerFixture.start({ brokerIds: [1, 2, 3] });
    const steps = [
      () => this.#create(),
      () => this.#create(),
      () => this.#delete(),
      () => this.#grow(),
      () => this.#alter(),
      () => this.#takeProducerIds(),
      () => this.#restartBroker(),
      () => this.#changeLeader(),
    ];
    for (let step = 0; step < STEPS; step += 1) {
      await (steps[this.#random.integer(steps.length)] as () => Promise<void>)();
      this.#compare();
    }
    this.#checkReplay();
  }

  async #create(): Promise<void> {
    const name = this.#pick(NAMES);
    const numPartitions = this.#random.integer(4);
    const replicationFactor = 1 + this.#random.integer(4);
    const validateOnly = this.#random.integer(5) === 0;
    const request = { topics: [newTopic(name, { numPartitions, replicationFactor })], timeoutMs: 1000, validateOnly };
    const { topics } = await this.#fixture.complete(this.#fixture.controller.createTopics(request));
    const [result] = topics;
    expect(result?.errorCode).to.equal(this.#creationError(name, numPartitions, replicationFactor));
    if (result?.errorCode !== Errors.NONE || validateOnly) return;
    this.#topics.set(name, { id: result.topicId, partitions: numPartitions, configs: new Map() });
  }

  #creationError(name: string, numPartitions: number, replicationFactor: number): number {
    if (name === "..") return Errors.INVALID_TOPIC_EXCEPTION;
    if (this.#topics.has(name)) return Errors.TOPIC_ALREADY_EXISTS;
    const twin = { "c.d": "c_d", c_d: "c.d" }[name];
    if (twin !== undefined && this.#topics.has(twin)) return Errors.INVALID_TOPIC_EXCEPTION;
    if (numPartitions === 0) return Errors.INVALID_PARTITIONS;
    return replicationFactor > 3 ? Errors.INVALID_REPLICATION_FACTOR : Errors.NONE;
  }

  async #delete(): Promise<void> {
    const name = this.#pick(NAMES);
    const known = this.#topics.get(name);
    const isById = known !== undefined && this.#random.integer(2) === 0;
    const target = isById ? { name: null, topicId: known.id } : { name, topicId: ZERO_UUID };
    const { responses } = await this.#fixture.complete(
      this.#fixture.controller.deleteTopics({ topics: [target], topicNames: [], timeoutMs: 1000 }),
    );
    expect(responses[0]?.errorCode).to.equal(known ? Errors.NONE : Errors.UNKNOWN_TOPIC_OR_PARTITION);
    this.#topics.delete(name);
  }

  async #grow(): Promise<void> {
    const name = this.#pick(NAMES);
    const known = this.#topics.get(name);
    const count = this.#random.integer(8);
    const { results } = await this.#fixture.complete(
      this.#fixture.controller.createPartitions({
        topics: [{ name, count, assignments: null }],
        timeoutMs: 1000,
        validateOnly: false,
      }),
    );
    const refusal = known === undefined ? Errors.UNKNOWN_TOPIC_OR_PARTITION : Errors.INVALID_PARTITIONS;
    const isGrowth = known !== undefined && count > known.partitions;
    expect(results[0]?.errorCode).to.equal(isGrowth ? Errors.NONE : refusal);
    if (isGrowth) known.partitions = count;
  }

  async #alter(): Promise<void> {
    const resourceName = this.#pick(NAMES);
    const known = this.#topics.get(resourceName);
    const name = this.#pick(CONFIGS);
    const value = this.#pick(["1000", "2000", "never"]);
    const configOperation = this.#random.integer(2);
    const { responses } = await this.#fixture.complete(
      this.#fixture.controller.incrementalAlterConfigs({
        resources: [{ resourceType: 2, resourceName, configs: [{ name, configOperation, value }] }],
        validateOnly: false,
      }),
    );
    const isInvalid = configOperation === 0 && value === "never";
    const refusal = known === undefined ? Errors.UNKNOWN_TOPIC_OR_PARTITION : Errors.INVALID_CONFIG;
    expect(responses[0]?.errorCode).to.equal(known !== undefined && !isInvalid ? Errors.NONE : refusal);
    if (responses[0]?.errorCode !== Errors.NONE) return;
    if (configOperation === 0) known?.configs.set(name, value);
    else known?.configs.delete(name);
  }

  async #takeProducerIds(): Promise<void> {
    const { producerIds } = this.#fixture;
    const wanted = Array.from({ length: this.#random.integer(700) }, () => producerIds.next());
    for (const id of await this.#fixture.complete(Promise.all(wanted))) {
      expect(this.#producerIds.has(id)).to.equal(false);
      this.#producerIds.add(id);
    }
  }

  async #restartBroker(): Promise<void> {
    this.#incarnation += 1;
    await this.#fixture.addBroker(1, { incarnationId: uuidOf(this.#incarnation) });
  }

  async #changeLeader(): Promise<void> {
    this.#fixture.log.loseLeadership();
    this.#fixture.log.lead();
    await this.#fixture.time.advance(1);
  }

  #compare(): void {
    const { topics, configs } = this.#fixture.image;
    const actual = [...topics.byName].map(([name, { id, partitions }]) => ({
      name,
      id,
      partitions: partitions.length,
      configs: Object.fromEntries(configs.of(2, name)),
    }));
    const expected = [...this.#topics].map(([name, topic]) => ({
      name,
      id: topic.id,
      partitions: topic.partitions,
      configs: Object.fromEntries(topic.configs),
    }));
    expect(actual).to.have.deep.members(expected);
    for (const topic of topics.byName.values()) {
      expect(topics.byId.get(topic.id)).to.equal(topic);
      for (const { leader, isr, replicas } of topic.partitions) {
        expect(isr).to.include(leader);
        expect(replicas).to.include.members([...isr]);
      }
    }
  }

  #checkReplay(): void {
    const editor = new ImageEditor(emptyImage);
    for (const { records } of this.#fixture.log.batches) {
      for (const value of records) editor.apply(metadataRecordCodec.decode(value));
    }
    const { image } = editor.finish(this.#fixture.log.logEndOffset - 1, this.#fixture.log.epoch);
    expect(plain(this.#fixture.image)).to.deep.equal(plain(image));
    expect(plain(imageFromRecords(snapshotRecords(image)))).to.deep.equal(plain(image));
  }

  #pick<T>(items: readonly T[]): T {
    return items[this.#random.integer(items.length)] as T;
  }
}

describe("Controller under random administration", () => {
  it(`agrees with the model in ${HISTORIES} histories`, async () => {
    for (let seed = 1; seed <= HISTORIES; seed += 1) {
      try {
        await new History(seed).run();
      } catch (error) {
        throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error });
      }
    }
  });
});
