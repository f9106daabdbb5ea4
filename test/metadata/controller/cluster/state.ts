/**
 * The controller's decisions without its shell: operations are decided, checked and applied one after another, and everything is written down,
 * so that another controller can be made of what was written.
 */
import { BrokerConfig } from "../../../../src/config/index.ts";
import { ControllerState } from "../../../../src/metadata/controller/controller-state.ts";
import type { Operation } from "../../../../src/metadata/controller/operation.ts";
import { PartitionIndex } from "../../../../src/metadata/controller/partition-index.ts";
import type { MetadataImage } from "../../../../src/metadata/image.ts";
import { type MetadataRecord, metadataRecordCodec } from "../../../../src/metadata/records.ts";
import { initialBootstrapRecords } from "../../../../src/metadata/storage/bootstrap.ts";
import { plain } from "../../support/kafka-metadata.ts";

/** What holds after every decision; throws when it does not. */
export type Check = (before: MetadataImage, after: MetadataImage, records: readonly MetadataRecord[]) => void;

export const config = BrokerConfig.load({ overrides: { "node.id": "99" } });

export class DecidedState {
  #state = new ControllerState();
  readonly #log: Buffer[] = [];
  readonly #check: Check;
  #epoch = 1;

  constructor(check: Check) {
    this.#check = check;
    this.#append(initialBootstrapRecords().map(metadataRecordCodec.decode));
  }

  get image(): MetadataImage {
    return this.#state.image;
  }

  /** Decides and applies; throws what the decision threw, and what the checks find wrong. */
  run<R>(operation: Operation<R>): R {
    const before = this.#state.image;
    const context = { nowMs: 0, nextOffset: this.#log.length, epoch: this.#epoch };
    const { records, response } = operation.decide(before, context, this.#state.index);
    this.#append(records);
    if (records.length > 0) this.#check(before, this.#state.image, records);
    return response;
  }

  /** Another controller takes over: it knows what was written, and nothing else. */
  changeController(): void {
    const followed = this.#state;
    const replayed = new ControllerState();
    for (const [offset, encoded] of this.#log.entries()) {
      replayed.apply(metadataRecordCodec.decode(encoded), { offset, epoch: this.#epoch, appendTimeMs: 0 });
    }
    expectSame("the image", plain(followed.image), plain(replayed.image));
    expectSame("the index", listed(followed.index), listed(PartitionIndex.of(followed.image)));
    expectSame("the replayed index", listed(replayed.index), listed(PartitionIndex.of(followed.image)));
    this.#state = replayed;
    this.#epoch += 1;
  }

  #append(records: readonly MetadataRecord[]): void {
    for (const record of records) {
      const offset = this.#log.length;
      this.#log.push(metadataRecordCodec.encode(record));
      this.#state.apply(record, { offset, epoch: this.#epoch, appendTimeMs: 0 });
    }
  }
}

/** An index as plain values. */
function listed(index: PartitionIndex): unknown {
  const brokers = [0, 1, 2, 3, 4, 5];
  const names = (set: Iterable<readonly [string, number]>) => [...set].map(([id, number]) => `${id}:${number}`).sort();
  const byBroker = [index.ledBy, index.inIsrOf, index.inElrOf, index.preferring, index.imbalanced];
  return {
    byBroker: byBroker.map(sets => brokers.map(id => names(sets.of(id)))),
    sets: [index.leaderless, index.reassigning, index.underReplicated].map(names),
    counts: [index.partitionCount, index.imbalancedCount],
  };
}

function expectSame(what: string, actual: unknown, expected: unknown): void {
  const [left, right] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (left !== right) throw new Error(`${what} is not the replay of the log:\n${left}\n${right}`);
}
