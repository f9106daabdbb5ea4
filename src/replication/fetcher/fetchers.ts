/**
 * The fetchers of a broker: one for each broker that leads something followed here, for as long as it does.
 */
import type { Partition } from "../partition.ts";
import { FollowerFetcher, type FollowerFetcherModules, type FollowerFetcherOptions } from "./follower-fetcher.ts";

/** Where another broker can be reached. */
export interface BrokerAddress {
  readonly host: string;
  readonly port: number;
}

export interface FetchersModules extends Omit<FollowerFetcherModules, "client"> {
  /** Makes a client for a broker; it connects when first used. */
  readonly connect: (address: BrokerAddress) => FollowerFetcherModules["client"];
  /** Where a broker listens for other brokers; null when the metadata does not say. */
  readonly addressOf: (brokerId: number) => BrokerAddress | null;
}

interface Leader {
  readonly fetcher: FollowerFetcher;
  readonly address: BrokerAddress;
}

export class Fetchers {
  readonly #options: () => Omit<FollowerFetcherOptions, "leaderId">;
  readonly #modules: FetchersModules;
  readonly #leaders = new Map<number, Leader>();
  /** Whom each partition is fetched from, or would be if it were known where that is. */
  readonly #leaderOf = new Map<Partition, number>();

  constructor(options: () => Omit<FollowerFetcherOptions, "leaderId">, modules: FetchersModules) {
    this.#options = options;
    this.#modules = modules;
  }

  get count(): number {
    return this.#leaders.size;
  }

  /** Fetches `partition` from the leader that its role names, from the next request on. Stops when it follows nobody. */
  follow(partition: Partition): void {
    const leaderId = partition.follower?.leaderId;
    if (this.#leaderOf.get(partition) !== leaderId) this.unfollow(partition);
    if (leaderId === undefined) return;
    this.#leaderOf.set(partition, leaderId);
    this.#leader(leaderId)?.fetcher.follow(partition);
  }

  unfollow(partition: Partition): void {
    const leaderId = this.#leaderOf.get(partition);
    if (leaderId === undefined) return;
    this.#leaderOf.delete(partition);
    const leader = this.#leaders.get(leaderId);
    if (leader === undefined) return;
    leader.fetcher.unfollow(partition);
    if (leader.fetcher.partitionCount > 0) return;
    leader.fetcher.close();
    this.#leaders.delete(leaderId);
  }

  /** The registration of a broker changed: it may be elsewhere now. */
  brokerChanged(brokerId: number): void {
    const leader = this.#leaders.get(brokerId);
    const address = this.#modules.addressOf(brokerId);
    const isSame = address?.host === leader?.address.host && address?.port === leader?.address.port;
    if (isSame) return;
    leader?.fetcher.close();
    this.#leaders.delete(brokerId);
    for (const [partition, leaderId] of this.#leaderOf) if (leaderId === brokerId) this.follow(partition);
  }

  close(): void {
    for (const { fetcher } of this.#leaders.values()) fetcher.close();
    this.#leaders.clear();
    this.#leaderOf.clear();
  }

  #leader(leaderId: number): Leader | null {
    const known = this.#leaders.get(leaderId);
    if (known !== undefined) return known;
    const address = this.#modules.addressOf(leaderId);
    if (address === null) return null;
    const { connect } = this.#modules;
    const options = () => ({ ...this.#options(), leaderId });
    const leader = { fetcher: new FollowerFetcher(options, { ...this.#modules, client: connect(address) }), address };
    this.#leaders.set(leaderId, leader);
    return leader;
  }
}
