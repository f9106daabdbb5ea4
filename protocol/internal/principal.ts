/**
 * How a forwarding broker tells the controller who the client is: the opaque principal of an Envelope request
 * (KIP-590). Two bytes of version precede it.
 */
import { bool, message, string, type ValueOf } from "../schema.ts";

export const DefaultPrincipalData = message({
  name: "DefaultPrincipalData",
  versions: "0",
  flexible: "0+",
  fields: {
    type: string("0+"),
    name: string("0+"),
    tokenAuthenticated: bool("0+"),
  },
});
export type DefaultPrincipalData = ValueOf<typeof DefaultPrincipalData>;
