import { expect } from "chai";
import { Fetch, Heartbeat, type ListOffsets, type Produce } from "../../protocol/apis/index.ts";
import { decoderOf } from "../../protocol/compile.ts";
import {
  formatVersions,
  includesVersion,
  parseVersions,
  type RequestInputOf,
  type RequestOf,
  type ResponseInputOf,
} from "../../protocol/schema.ts";

/** Fails to compile unless both types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function expectType<T extends true>(): T {
  return true as T;
}

describe("versions", () => {
  it("are read and written in Kafka's notation", () => {
    for (const text of ["none", "0", "3", "0-4", "2+"]) expect(formatVersions(parseVersions(text))).to.equal(text);
    expect(includesVersion(parseVersions("2+"), 99)).to.equal(true);
    expect(includesVersion(parseVersions("none"), 0)).to.equal(false);
    expect(includesVersion(parseVersions("0-4"), 5)).to.equal(false);
    expect(() => parseVersions("4-")).to.throw("not a range");
  });
});

describe("types of a schema", () => {
  it("have every field when decoded", () => {
    expectType<
      Same<
        RequestOf<typeof Heartbeat>,
        { groupId: string; generationId: number; memberId: string; groupInstanceId: string | null }
      >
    >();
    type Partition = RequestOf<typeof ListOffsets>["topics"][number]["partitions"][number];
    expectType<Same<Partition["timestamp"], bigint>>();
    type Data = RequestOf<typeof Produce>["topicData"][number]["partitionData"][number];
    expectType<Same<Data["records"], Buffer | null>>();
    expect(decoderOf(Heartbeat.request, 4)).to.be.a("function");
  });

  it("let fields with a default or a tag be left out when encoded", () => {
    const request: RequestInputOf<typeof Heartbeat> = { groupId: "g", generationId: 1, memberId: "m" };
    expect(request).to.not.have.property("groupInstanceId");
    type Partition = ResponseInputOf<typeof Fetch>["responses"][number]["partitions"][number];
    expectType<Same<undefined extends Partition["currentLeader"] ? true : false, true>>();
    expectType<Same<Partition["records"], Buffer | readonly Buffer[] | null>>();
    expectType<Same<undefined extends Partition["errorCode"] ? true : false, false>>();
  });

  it("let every decoded value be encoded", () => {
    type Decoded = RequestOf<typeof Fetch> extends RequestInputOf<typeof Fetch> ? true : false;
    expectType<Decoded>();
  });

  it("are frozen values at run time", () => {
    expect(Object.isFrozen(Fetch)).to.equal(true);
    expect(Object.isFrozen(Fetch.request.fields)).to.equal(true);
    expect(Object.isFrozen(Fetch.request.fields.topics)).to.equal(true);
  });
});
