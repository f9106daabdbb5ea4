import { expect } from "chai";
import { isReservedUuid, isUuid, randomUuid } from "../../../src/metadata/storage/ids.ts";
import { SeededRandom } from "../../../src/platform/memory-random.ts";

describe("ids", () => {
  it("are 22 letters, of version 4, without a leading dash, never reserved, never the same", () => {
    const random = new SeededRandom(3);
    const seen = new Set<string>();
    for (let index = 0; index < 5000; index++) {
      const id = randomUuid(random);
      expect(isUuid(id), id).to.equal(true);
      expect(isReservedUuid(id)).to.equal(false);
      expect(id.startsWith("-")).to.equal(false);
      const bytes = Buffer.from(id, "base64url");
      expect((bytes[6] as number) >> 4).to.equal(4);
      expect((bytes[8] as number) >> 6).to.equal(2);
      seen.add(id);
    }
    expect(seen.size).to.equal(5000);
  });

  it("below 100 are reserved", () => {
    const idOf = (value: bigint) => {
      const bytes = Buffer.alloc(16);
      bytes.writeBigUInt64BE(value, 8);
      return bytes.toString("base64url");
    };
    expect([0n, 1n, 99n, 100n].map(idOf).map(isReservedUuid)).to.deep.equal([true, true, true, false]);
  });

  it("of another form are none", () => {
    for (const text of ["", "abc", "AAAAAAAAAAAAAAAAAAAAAB", "AAAAAAAAAAAAAAAAAAAA==", "AAAAAAAAAAAAAAAAAAAA/A"]) {
      expect(isUuid(text), text).to.equal(false);
    }
  });
});
