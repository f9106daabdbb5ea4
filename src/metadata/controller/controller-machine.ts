/**
 * The controller as a state machine: operations are its requests, metadata records its log.
 */
import type { BrokerConfig } from "../../config/index.ts";
import type { ApplyContext, DecideContext, Decision, StateMachine } from "../../machine/state-machine.ts";
import { ELIGIBLE_LEADER_REPLICAS_VERSION, METADATA_VERSION } from "../features.ts";
import { type MetadataRecord, record } from "../records.ts";
import { ControllerState } from "./controller-state.ts";
import { elrSafetyRecords } from "./elr-safety.ts";
import { type Operation, unchanged } from "./operation.ts";

/** What an operation answers, and the offset of its last record; -1 when it wrote none. */
export interface Answer<R> {
  readonly response: R;
  readonly lastOffset: number;
}

/** Name of the transaction that the bootstrap records are in, as Kafka gives it. */
const BOOTSTRAP_TRANSACTION = "Bootstrap records";

export class ControllerMachine
  implements StateMachine<ControllerState, Operation<unknown>, Answer<unknown>, MetadataRecord>
{
  readonly #bootstrapRecords: readonly MetadataRecord[];
  readonly #config: BrokerConfig;
  readonly #loaded = Promise.withResolvers<void>();
  readonly #listeners = new Set<() => void>();
  readonly #observers: { decided(records: readonly MetadataRecord[]): void }[] = [];

  constructor(bootstrapRecords: readonly MetadataRecord[], config: BrokerConfig) {
    this.#bootstrapRecords = bootstrapRecords;
    this.#config = config;
  }

  /** Resolves when this node first leads. */
  get whenLoaded(): Promise<void> {
    return this.#loaded.promise;
  }

  /** Tells `observer` of the records of every decision. */
  observe(observer: { decided(records: readonly MetadataRecord[]): void }): void {
    this.#observers.push(observer);
  }

  /** Calls `listener` each time that this node begins to lead, with the requests of {@link loaded} decided. */
  onLoaded(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  initialState(): ControllerState {
    return new ControllerState();
  }

  decide(
    state: ControllerState,
    operation: Operation<unknown>,
    context: DecideContext,
  ): Decision<Answer<unknown>, MetadataRecord, Operation<unknown>> {
    const { records, response } = operation.decide(state.image, context, state.index);
    for (const observer of this.#observers) observer.decided(records);
    const lastOffset = records.length === 0 ? -1 : context.nextOffset + records.length - 1;
    return { records, response: { response, lastOffset } };
  }

  apply(state: ControllerState, applied: MetadataRecord, context: ApplyContext): void {
    state.apply(applied, context);
  }

  loaded(state: ControllerState): { requests: Operation<unknown>[] } {
    const requests: Operation<unknown>[] = [];
    if (state.isInTransaction) requests.push(abortTransaction);
    requests.push(bootstrap(this.#bootstrapRecords, this.#config));
    this.#loaded.resolve();
    Promise.resolve().then(() => {
      for (const listener of [...this.#listeners]) listener();
    });
    return { requests };
  }
}

/** A controller before this one died within a transaction: nothing of it may take effect (KIP-868). */
const abortTransaction: Operation<void> = {
  name: "abort-transaction",
  decide: () => ({
    records: [record("AbortTransactionRecord", 0, { reason: "the controller changed" })],
    response: undefined,
  }),
};

/** Writes the bootstrap records where there is no metadata version yet, in one transaction. */
function bootstrap(records: readonly MetadataRecord[], config: BrokerConfig): Operation<void> {
  const enablesElr = records.some(
    ({ type, value }) =>
      type === "FeatureLevelRecord" && value.name === ELIGIBLE_LEADER_REPLICAS_VERSION && value.featureLevel >= 1,
  );
  return {
    name: "bootstrap",
    decide(image) {
      if (image.features.has(METADATA_VERSION) || records.length === 0) return unchanged(undefined);
      return {
        records: [
          record("BeginTransactionRecord", 0, { name: BOOTSTRAP_TRANSACTION }),
          ...records,
          ...(enablesElr ? elrSafetyRecords(image, config) : []),
          record("EndTransactionRecord", 0, {}),
        ],
        response: undefined,
      };
    },
  };
}
