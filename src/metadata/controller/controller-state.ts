/**
 * The controller's state: the metadata image with everything that was decided, committed or not.
 *
 * Open transactions (KIP-868) are seen from within, as the records that follow build on them; an abort goes back to the image of before.
 */
import type { ApplyContext } from "../../machine/state-machine.ts";
import { ImageEditor } from "../apply.ts";
import { emptyImage, type MetadataImage } from "../image.ts";
import type { MetadataRecord } from "../records.ts";
import { PartitionIndex } from "./partition-index.ts";

export class ControllerState {
  #image: MetadataImage = emptyImage;
  #index = new PartitionIndex();
  /** Records applied since {@link #image} was made. */
  #editor: ImageEditor | null = null;
  #lastOffset = -1;
  #lastEpoch = -1;
  #beforeTransaction: MetadataImage | null = null;

  /** The image now. Making it costs nothing unless records were applied since the last call. */
  get image(): MetadataImage {
    this.#refresh();
    return this.#image;
  }

  /** Where brokers stand among the partitions of {@link image}. */
  get index(): PartitionIndex {
    this.#refresh();
    return this.#index;
  }

  /** A transaction was begun and not ended; an active controller must abort it before it does anything else. */
  get isInTransaction(): boolean {
    return this.#beforeTransaction !== null;
  }

  apply(record: MetadataRecord, context: ApplyContext): void {
    if (record.type === "BeginTransactionRecord") this.#beforeTransaction = this.image;
    else if (record.type === "EndTransactionRecord") this.#beforeTransaction = null;
    else if (record.type === "AbortTransactionRecord") this.#rollBack();
    this.#editor ??= new ImageEditor(this.#image);
    this.#editor.apply(record);
    this.#lastOffset = context.offset;
    this.#lastEpoch = context.epoch;
  }

  #refresh(): void {
    if (this.#editor === null) return;
    const { image, delta } = this.#editor.finish(this.#lastOffset, this.#lastEpoch);
    this.#editor = null;
    this.#image = image;
    this.#index.apply(delta.topics);
  }

  #rollBack(): void {
    if (this.#beforeTransaction === null) return;
    this.#image = this.#beforeTransaction;
    this.#index = PartitionIndex.of(this.#image);
    this.#editor = null;
    this.#beforeTransaction = null;
  }
}
