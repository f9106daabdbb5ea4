import { expect } from "chai";
import { parseServers } from "../../src/client/cluster-client.ts";

describe("parseServers", () => {
  it("reads names, IPv4, IPv6 in brackets, several, and a default port", () => {
    expect(parseServers("a.example:1, 10.0.0.1:2,[::1]:3,b")).to.deep.equal([
      { host: "a.example", port: 1 },
      { host: "10.0.0.1", port: 2 },
      { host: "::1", port: 3 },
      { host: "b", port: 9092 },
    ]);
  });

  it("refuses what is not host:port", () => {
    for (const text of ["", "a:b", "a:70000", "a:0", "::1:9092", "a,,b", "http://a:1"]) {
      expect(() => parseServers(text), text).to.throw(/not of the form host:port/);
    }
  });
});
