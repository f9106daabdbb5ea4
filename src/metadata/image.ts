/**
 * What a cluster's metadata is at one offset of the metadata log: an immutable value that everything on a node reads.
 *
 * ```ts
 * const topic = image.topics.byName.get("orders");
 * const leader = topic?.partitions[0]?.leader;
 * ```
 *
 * `apply.ts` makes the next image from this one and a record, `snapshot.ts` turns an image back into records.
 */
import type { ClusterImage } from "./cluster-image.ts";
import { ConfigsImage } from "./configs-image.ts";
import { emptySecurityImage, type SecurityImage } from "./security-image.ts";
import { TopicsImage } from "./topics-image.ts";

export interface MetadataImage {
  /** Offset of the last record in the image; -1 when there is none. */
  readonly offset: number;
  /** Leader epoch of that record; -1 when there is none. */
  readonly epoch: number;
  readonly topics: TopicsImage;
  readonly cluster: ClusterImage;
  readonly configs: ConfigsImage;
  /** Finalized level of each feature, e.g. `metadata.version` → 30. A level of 0 is not kept. */
  readonly features: ReadonlyMap<string, number>;
  /** The first producer id that nobody was given yet. */
  readonly nextProducerId: number;
  readonly security: SecurityImage;
}

export const emptyImage: MetadataImage = {
  offset: -1,
  epoch: -1,
  topics: TopicsImage.empty,
  cluster: { brokers: new Map(), controllers: new Map() },
  configs: ConfigsImage.empty,
  features: new Map(),
  nextProducerId: 0,
  security: emptySecurityImage,
};
