/**
 * One partition of a fetch: what the client asks of it, and, within a session, what it was told last.
 */
export class FetchPartition {
  /** Empty when the request names it by an id that was not known yet. */
  topic: string;
  /** The zero uuid in requests that name topics by name. */
  readonly topicId: string;
  readonly partition: number;
  fetchOffset = 0;
  maxBytes = 0;
  /** -1 when the client does not say. */
  currentLeaderEpoch = -1;
  lastFetchedEpoch = -1;
  /** Where a follower's log starts; -1 from consumers. */
  logStartOffset = -1;
  /** What the last response of the session said; -1 before the first. */
  sentHighWatermark = -1;
  sentLogStartOffset = -1;

  constructor(topic: string, topicId: string, partition: number) {
    this.topic = topic;
    this.topicId = topicId;
    this.partition = partition;
  }

  /** Takes what a request says. */
  update(request: {
    readonly fetchOffset: number;
    readonly partitionMaxBytes: number;
    readonly currentLeaderEpoch: number;
    readonly lastFetchedEpoch: number;
    readonly logStartOffset: number;
  }): void {
    this.fetchOffset = request.fetchOffset;
    this.maxBytes = request.partitionMaxBytes;
    // What was told in another epoch may not have been listened to.
    if (request.currentLeaderEpoch !== this.currentLeaderEpoch) this.sentHighWatermark = -1;
    this.currentLeaderEpoch = request.currentLeaderEpoch;
    this.lastFetchedEpoch = request.lastFetchedEpoch;
    this.logStartOffset = request.logStartOffset;
  }
}
