/**
 * Whether nodes that were started together are a new cluster, or belong to one that is there: decided from what each of them says.
 *
 * A cluster is founded only by all of its nodes: each must have answered, be new, and have the same view of who all are. What follows is computed, not agreed
 * upon: the voters are the controllers among them, the cluster's id is the one that the node with the lowest id proposes. So whoever founds, founds the same,
 * and a node that comes late finds one that has founded and is told whether it is among the founders by node and directory id. Anybody else joins.
 */
import type { FormatPlan } from "../../metadata/storage/format.ts";
import { initialVoter } from "../../metadata/storage/format.ts";
import type { ControllerAddress, Founder } from "./formation-file.ts";
import type { PeerFacts } from "./peer-api.ts";

/** What a peer is asked at, and what it said last; null while it has not answered. */
export interface AskedPeer {
  /** As configured. */
  readonly name: string;
  /** The node id that was given with it; null when none was. */
  readonly expectedId: number | null;
  readonly facts: PeerFacts | null;
}

/** The node is to be formatted by `plan`. */
export interface Settled {
  readonly kind: "found" | "join";
  readonly plan: FormatPlan;
  readonly founders: readonly Founder[];
  /** Where the controllers listen that have answered. */
  readonly controllers: readonly ControllerAddress[];
}

export type Verdict =
  | { readonly kind: "wait"; readonly why: string; readonly view: readonly Founder[] }
  | { readonly kind: "refuse"; readonly why: string }
  | Settled;

export interface VerdictOptions {
  /** Whether a new cluster may be founded; else only one that is there is joined. */
  readonly mayFound: boolean;
  /** Whether voters are configured, and thus not written to the log (`controller.quorum.voters`). */
  readonly hasStaticVoters: boolean;
}

/** `self.view` is not looked at. */
export function judge(self: PeerFacts, peers: readonly AskedPeer[], options: VerdictOptions): Verdict {
  const others = peers.filter(({ facts }) => facts === null || facts.directoryId !== self.directoryId);
  const answered = others.flatMap(({ facts }) => (facts === null ? [] : [facts]));
  const contradiction = contradictionIn(self, peers, answered);
  if (contradiction !== null) return { kind: "refuse", why: contradiction };
  const formed = answered.filter(({ isFormed }) => isFormed);
  const controllers = answered.flatMap(({ isController, endpoints: [endpoint] }) =>
    isController && endpoint !== undefined ? [{ host: endpoint.host, port: endpoint.port }] : [],
  );
  if (formed.length > 0) return settled(judgeFormed(self, formed, options), controllers);
  if (!options.mayFound)
    return wait(
      "no cluster answers yet; to join nodes of Apache Kafka, format this one first (samsa storage format)",
      [],
    );
  const silent = others.filter(({ facts }) => facts === null).map(({ name }) => name);
  if (silent.length > 0) return wait(`${silent.join(", ")} did not answer yet`, []);
  return settled(judgeNew(self, answered, options), controllers);
}

/** What is judged without regard to where the controllers are. */
type Judged = Exclude<Verdict, Settled> | Omit<Settled, "controllers">;

function settled(judged: Judged, controllers: readonly ControllerAddress[]): Verdict {
  return judged.kind === "wait" || judged.kind === "refuse" ? judged : { ...judged, controllers };
}

function contradictionIn(self: PeerFacts, peers: readonly AskedPeer[], answered: readonly PeerFacts[]): string | null {
  for (const { name, expectedId, facts } of peers) {
    if (facts === null) continue;
    if (expectedId !== null && expectedId !== facts.nodeId) {
      return `the node at ${name} is node ${facts.nodeId}, not ${expectedId}`;
    }
    if (facts.nodeId === self.nodeId && facts.directoryId !== self.directoryId) {
      return `node id ${self.nodeId} (node.id) is in use by the node at ${name}`;
    }
  }
  for (const { nodeId, directoryId } of answered) {
    const isTwice = answered.some(other => other.nodeId === nodeId && other.directoryId !== directoryId);
    if (isTwice) return `two of the peers have node id ${nodeId}`;
  }
  const clusterIds = new Set(answered.filter(({ isFormed }) => isFormed).map(({ clusterId }) => clusterId));
  return clusterIds.size > 1 ? `the peers belong to different clusters: ${[...clusterIds].join(", ")}` : null;
}

function judgeFormed(self: PeerFacts, formed: readonly PeerFacts[], { hasStaticVoters }: VerdictOptions): Judged {
  const { clusterId } = formed[0] as PeerFacts;
  const base = { clusterId, directoryId: self.directoryId };
  const isSelf = (founder: Founder) => founder.nodeId === self.nodeId && founder.directoryId === self.directoryId;
  const founding = formed.find(({ founders }) => founders.some(isSelf));
  if (hasStaticVoters && self.isController && founding === undefined) {
    // A configured voter is known by its node id alone: with an empty disk in place of a lost one it would vote again (KAFKA-14077).
    const why = `the cluster ${clusterId} runs already, and this node's directory is not one it was founded with: format it by hand if it never held data`;
    return { kind: "refuse", why };
  }
  const founders = founding?.founders ?? [];
  if (hasStaticVoters || !self.isController) return { kind: "join", plan: { ...base, initialVoters: null }, founders };
  const known = formed.filter(({ voters }) => voters.length > 0);
  if (known.length === 0) return wait("the cluster's voters are not known yet", []);
  const naming = known.find(({ voters }) => voters.some(isSelf));
  if (naming === undefined) return { kind: "join", plan: { ...base, initialVoters: null }, founders };
  // A founder that comes late: it has never voted, since its directory is new.
  return { kind: "found", plan: { ...base, initialVoters: () => naming.voters.map(initialVoter) }, founders };
}

function judgeNew(self: PeerFacts, answered: readonly PeerFacts[], { hasStaticVoters }: VerdictOptions): Judged {
  const all = [self, ...answered.filter((facts, index) => answered.findIndex(isSameNode(facts)) === index)];
  all.sort((a, b) => a.nodeId - b.nodeId);
  const view = all.map(({ nodeId, directoryId }) => ({ nodeId, directoryId }));
  const controllers = all.filter(({ isController }) => isController);
  const [first] = all;
  if (controllers.length === 0 || first === undefined) {
    return { kind: "refuse", why: "none of the peers is a controller (process.roles)" };
  }
  // Whoever is none waits for the controllers: what they found, it joins.
  if (!self.isController) return wait("the controllers have not founded the cluster yet", view);
  const differing = answered.filter(peer => !isSameView(peer.view, view)).map(({ nodeId }) => `node ${nodeId}`);
  if (differing.length > 0) return wait(`${differing.join(", ")} did not hear from all peers yet`, view);
  const initialVoters = hasStaticVoters ? null : () => controllers.map(initialVoter);
  const plan = { clusterId: first.clusterId, directoryId: self.directoryId, initialVoters };
  return { kind: "found", plan, founders: view };
}

function wait(why: string, view: readonly Founder[]): Exclude<Verdict, Settled> {
  return { kind: "wait", why, view };
}

function isSameNode({ nodeId }: PeerFacts): (other: PeerFacts) => boolean {
  return other => other.nodeId === nodeId;
}

/** Views are sorted by node id. */
function isSameView(a: readonly Founder[], b: readonly Founder[]): boolean {
  return (
    a.length === b.length &&
    a.every(({ nodeId, directoryId }, index) => nodeId === b[index]?.nodeId && directoryId === b[index]?.directoryId)
  );
}
