import { existsSync } from "node:fs";
import { expect } from "chai";
import { apis } from "../protocol/apis/index.ts";
import { apisDocument } from "../scripts/docs/apis.ts";
import { staleDocuments } from "../scripts/generate-docs.ts";

describe("generated documents", () => {
  it("are what the code says now", async () => {
    expect(await staleDocuments(), "run node scripts/generate-docs.ts").to.deep.equal([]);
  });

  it("of APIs link to files that are there", () => {
    const text = apisDocument();
    const links = [...text.matchAll(/\]\(([^)]+)\)/g)].map(([, link]) => link);
    expect(links).to.have.length(apis.length);
    for (const link of links)
      expect(existsSync(new URL(`../docs/generated/${link}`, import.meta.url)), link).to.equal(true);
  });
});
