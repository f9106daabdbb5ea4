/**
 * A metadata record contradicts the metadata before it. The log is then damaged or written by something that plays by other rules: fatal, for
 * going on would give this node a picture of the cluster that no other node has.
 */
export class MetadataError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "MetadataError";
  }
}
