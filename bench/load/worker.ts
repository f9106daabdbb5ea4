/** Entry of the load generator's own process: takes one load from its parent, tells when it begins to measure, answers with the result. */
import { runConsume } from "./consume.ts";
import type { Load, LoadResult } from "./loads.ts";
import { runProduce } from "./produce.ts";

export type WorkerMessage = { readonly event: "measuring" } | { readonly event: "done"; readonly result: LoadResult };

process.once("message", async (load: Load) => {
  const tell = (message: WorkerMessage): boolean => process.send!(message);
  const onMeasuring = (): void => void tell({ event: "measuring" });
  const result = load.kind === "produce" ? await runProduce(load, onMeasuring) : await runConsume(load, onMeasuring);
  tell({ event: "done", result });
  process.disconnect();
});
