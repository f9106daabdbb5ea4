/**
 * What nodes ask each other before their cluster is there: who they are, and whether they belong to one already. Samsa's own, since Kafka has nodes
 * formatted by hand with what they would have to know. It is not advertised, so no client sees it; a Kafka node closes the connection.
 *
 * - v0.
 */
import {
  api,
  array,
  bool,
  int16,
  int32,
  type RequestOf,
  type ResponseOf,
  string,
  uint16,
  uuid,
} from "../../../protocol/schema.ts";

export const DescribePeer = api({
  // Far from Kafka's keys, which count up from 0.
  key: 20_000,
  name: "SamsaDescribePeer",
  versions: "0",
  // Whoever decodes a header knows by Kafka's table only whether it is a flexible one.
  flexible: "none",
  listeners: ["broker", "controller"],
  request: {
    /** Who asks. */
    nodeId: int32("0+"),
  },
  response: {
    errorCode: int16("0+"),
    nodeId: int32("0+"),
    /** Id of the metadata directory. */
    directoryId: uuid("0+"),
    isController: bool("0+"),
    /** Where its controller listens. */
    endpoints: array("0+", { name: string("0+"), host: string("0+"), port: uint16("0+") }),
    /** Whether its directories are formatted: {@link clusterId} is then the cluster's, before that the one the node proposes. */
    isFormed: bool("0+"),
    clusterId: string("0+"),
    /** While it is not formed: all nodes that it would form a cluster with, itself included, once all have answered it. */
    view: array("0+", { nodeId: int32("0+"), directoryId: uuid("0+") }),
    /** Once it is formed: the voters by its log, and those that founded the cluster with it. */
    voters: array("0+", {
      nodeId: int32("0+"),
      directoryId: uuid("0+"),
      endpoints: array("0+", { name: string("0+"), host: string("0+"), port: uint16("0+") }),
    }),
    founders: array("0+", { nodeId: int32("0+"), directoryId: uuid("0+") }),
  },
});

export type PeerRequest = RequestOf<typeof DescribePeer>;
/** A node, as it describes itself. */
export type PeerFacts = Omit<ResponseOf<typeof DescribePeer>, "errorCode">;
