/** A small state machine for tests: named accounts, and a trace of everything that was applied. */
import { ApiError, Errors } from "../../../protocol/errors.ts";
import type { ApplyContext, DecideContext, RecordCodec, StateMachine } from "../../../src/machine/state-machine.ts";

export interface LedgerState {
  readonly balances: Map<string, number>;
  /** One line for each record: what was applied, and in which context. */
  readonly trace: string[];
}

export type LedgerRequest =
  | { readonly type: "deposit"; readonly account: string; readonly amount: number; readonly times?: number }
  | { readonly type: "transfer"; readonly from: string; readonly to: string; readonly amount: number }
  | { readonly type: "balance"; readonly account: string }
  | { readonly type: "remind"; readonly key: string; readonly delayMs: number; readonly request: LedgerRequest | null }
  | { readonly type: "broken"; readonly where: "decide" | "apply" }
  | { readonly type: "where" };

export interface LedgerRecord {
  readonly account: string;
  readonly change: number;
  /** Kept to see that a decision knows its offset. */
  readonly offset: number;
}

export const ledger: StateMachine<LedgerState, LedgerRequest, number, LedgerRecord> = {
  initialState: () => ({ balances: new Map(), trace: [] }),

  decide(state, request, context) {
    switch (request.type) {
      case "deposit": {
        const { account, amount, times = 1 } = request;
        const changes = Array.from({ length: times }, (): [string, number] => [account, amount]);
        return { records: recordsOf(changes, context), response: balanceOf(state, account) + amount * times };
      }
      case "transfer": {
        const { from, to, amount } = request;
        if (balanceOf(state, from) < amount) throw new ApiError(Errors.INVALID_REQUEST, `${from} has not that much`);
        const records = recordsOf(
          [
            [from, -amount],
            [to, amount],
          ],
          context,
        );
        return { records, response: balanceOf(state, from) - amount };
      }
      case "balance":
        return { records: [], response: balanceOf(state, request.account) };
      case "remind": {
        const { key, delayMs, request: later } = request;
        const timer = later === null ? { key, cancel: true as const } : { key, delayMs, request: later };
        return { records: [], response: 0, timers: [timer] };
      }
      case "where":
        return { records: [], response: context.nextOffset };
      case "broken":
        if (request.where === "decide") throw new TypeError("decide is broken");
        return { records: [{ account: "broken", change: Number.NaN, offset: context.nextOffset }], response: 0 };
    }
  },

  apply(state, record, context) {
    if (Number.isNaN(record.change)) throw new Error("apply is broken");
    if (record.offset !== context.offset && context.offset >= 0) {
      throw new Error(`decided for offset ${record.offset}, applied at ${context.offset}`);
    }
    state.balances.set(record.account, balanceOf(state, record.account) + record.change);
    state.trace.push(traceLine(record, context));
  },
};

/** Records as text; their encoding is their content. */
export const ledgerCodec: RecordCodec<LedgerRecord, Buffer> = {
  encode: record => Buffer.from(JSON.stringify(record)),
  decode: encoded => JSON.parse(encoded.toString()) as LedgerRecord,
  sizeBytes: encoded => encoded.length + 20,
};

function balanceOf(state: LedgerState, account: string): number {
  return state.balances.get(account) ?? 0;
}

function recordsOf(changes: [string, number][], context: DecideContext): LedgerRecord[] {
  return changes.map(([account, change], index) => ({ account, change, offset: context.nextOffset + index }));
}

function traceLine(record: LedgerRecord, { offset, epoch, appendTimeMs }: ApplyContext): string {
  return `${offset} e${epoch} t${appendTimeMs} ${record.account}${record.change >= 0 ? "+" : ""}${record.change}`;
}
