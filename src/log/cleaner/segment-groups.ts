/** Which segments are cleaned into one: pure arithmetic over their sizes. */

export interface GroupableSegment {
  readonly baseOffset: number;
  readonly sizeBytes: number;
  readonly offsetIndexBytes: number;
  readonly timeIndexBytes: number;
}

export interface GroupLimits {
  readonly segmentSizeBytes: number;
  readonly indexSizeBytes: number;
  /** The offset after the last of the segments. */
  readonly endOffset: number;
}

const MAX_RELATIVE_OFFSET = 0x7fff_ffff;

/**
 * Splits `segments`, in order, into runs that together fit into one segment: by size, by the size of each index – cleaning only makes them
 * smaller – and by the offsets that an index entry can express.
 */
export function groupSegments<S extends GroupableSegment>(segments: readonly S[], limits: GroupLimits): S[][] {
  const groups: S[][] = [];
  let sizeBytes = 0;
  let offsetIndexBytes = 0;
  let timeIndexBytes = 0;
  for (const [index, segment] of segments.entries()) {
    const lastOffset = (segments[index + 1]?.baseOffset ?? limits.endOffset) - 1;
    const group = groups.at(-1);
    sizeBytes += segment.sizeBytes;
    offsetIndexBytes += segment.offsetIndexBytes;
    timeIndexBytes += segment.timeIndexBytes;
    if (
      group !== undefined &&
      sizeBytes <= limits.segmentSizeBytes &&
      offsetIndexBytes <= limits.indexSizeBytes &&
      timeIndexBytes <= limits.indexSizeBytes &&
      // An empty segment has no offsets to express; without this, empty ones would stay for ever.
      (segment.sizeBytes === 0 || lastOffset - group[0]!.baseOffset <= MAX_RELATIVE_OFFSET)
    ) {
      group.push(segment);
      continue;
    }
    groups.push([segment]);
    sizeBytes = segment.sizeBytes;
    offsetIndexBytes = segment.offsetIndexBytes;
    timeIndexBytes = segment.timeIndexBytes;
  }
  return groups;
}
