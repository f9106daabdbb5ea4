import { expect } from "chai";
import { ApiError, Errors, errorInfo, errorMessage, errorName, errors } from "../../protocol/errors.ts";

describe("errors", () => {
  it("are found by code and by name", () => {
    expect(Errors.NOT_LEADER_OR_FOLLOWER).to.equal(6);
    expect(errorName(6)).to.equal("NOT_LEADER_OR_FOLLOWER");
    expect(errorInfo(6)).to.include({ retriable: true, refreshMetadata: true });
    expect(errorName(-1)).to.equal("UNKNOWN_SERVER_ERROR");
  });

  it("count as UNKNOWN_SERVER_ERROR when nobody knows the code", () => {
    expect(errorInfo(9999).code).to.equal(Errors.UNKNOWN_SERVER_ERROR);
    expect(errorName(9999)).to.equal("UNKNOWN(9999)");
  });

  it("all but NONE have a sentence", () => {
    for (const { name, message } of errors) expect(message === "", name).to.equal(name === "NONE");
  });
});

describe("ApiError", () => {
  it("carries a code, and the table's sentence unless told another", () => {
    expect(new ApiError(Errors.INVALID_REQUEST)).to.include({ code: 42, message: errorMessage(42), name: "ApiError" });
    expect(new ApiError(Errors.INVALID_REQUEST, "no topics")).to.include({ message: "no topics" });
  });
});
