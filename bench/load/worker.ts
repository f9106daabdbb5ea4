/** Entry of the load generator's own process: takes one load from its parent, tells when it begins to measure, answers with the result. */
import { runConsume } from "./consume.ts";
import type { Load, LoadResult } from "./loads.ts";
import { runProduce } from "./produce.ts";
import type { Sample } from "./run-load.ts";

export type WorkerMessage =
  | { readonly event: "measuring" }
  | { readonly event: "sample"; readonly sample: Sample }
  | { readonly event: "done"; readonly result: LoadResult }
  | { readonly event: "failed"; readonly why: string };

function tell(message: WorkerMessage): void {
  process.send!(message);
}

/** An answer with an error is thrown where it is read, which is in no promise's reach. */
process.on("uncaughtException", error => {
  process.send!({ event: "failed", why: error.message }, () => process.exit(1));
});
process.on("disconnect", () => process.exit(1));
process.once("message", async (load: Load) => {
  const onMeasuring = (): void => tell({ event: "measuring" });
  const onSample = (sample: Sample): void => tell({ event: "sample", sample });
  const result =
    load.kind === "produce" ? await runProduce(load, onMeasuring, onSample) : await runConsume(load, onMeasuring);
  process.send!({ event: "done", result }, () => process.exit(0));
});
