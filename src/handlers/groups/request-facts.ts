/**
 * What the group coordinator is told of the sender of a request.
 */
import type { RequestFacts } from "../../coordinators/group/group-environment.ts";
import type { HandlerContext } from "../context.ts";

/** What an IPv4 client looks like on a socket that takes both. */
const MAPPED_PREFIX = "::ffff:";

export function requestFacts(context: HandlerContext): RequestFacts {
  return {
    apiVersion: context.apiVersion,
    clientId: context.clientId ?? "",
    clientHost: javaAddress(context.connection.remoteHost),
  };
}

/** An address as Java's `InetAddress` prints it without a host name, which is how tools show members. */
function javaAddress(host: string): string {
  return `/${host.startsWith(MAPPED_PREFIX) ? host.slice(MAPPED_PREFIX.length) : host}`;
}
