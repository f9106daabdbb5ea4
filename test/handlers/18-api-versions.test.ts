import { expect } from "chai";
import { ApiVersions } from "../../protocol/apis/18-api-versions.ts";
import { Errors } from "../../protocol/errors.ts";
import type { Broker } from "../../src/broker.ts";
import { RawClient, startTestBroker } from "../support/broker.ts";

const SOFTWARE = { clientSoftwareName: "test", clientSoftwareVersion: "1.0" };
const NO_SOFTWARE = { clientSoftwareName: "", clientSoftwareVersion: "" };

describe("ApiVersions", () => {
  let broker: Broker;
  let client: RawClient;
  before(async () => {
    broker = await startTestBroker();
  });
  after(() => broker.stop());
  beforeEach(async () => {
    client = await RawClient.connect(broker.address);
  });
  afterEach(() => client.close());

  for (let version = 0; version <= 4; version++) {
    it(`v${version} names Produce from 0, ListOffsets from 1 and itself`, async () => {
      const body = await client.request(ApiVersions, version, version >= 3 ? SOFTWARE : NO_SOFTWARE);
      expect(body.errorCode).to.equal(0);
      const ranges = new Map(
        body.apiKeys.map(({ apiKey, minVersion, maxVersion }) => [apiKey, [minVersion, maxVersion]]),
      );
      expect(ranges.get(0)).to.deep.equal([0, 13]);
      expect(ranges.get(1)).to.deep.equal([4, 18]);
      expect(ranges.get(2)).to.deep.equal([1, 11]);
      expect(ranges.get(18)).to.deep.equal([0, 4]);
      expect(ranges.get(22)).to.deep.equal([0, 5]);
      const keys = body.apiKeys.map(({ apiKey }) => apiKey);
      expect(keys).to.deep.equal([...keys].sort((left, right) => left - right));
    });
  }

  it("v3 hides features with a minimum of 0, v4 shows them", async () => {
    const v3 = await client.request(ApiVersions, 3, SOFTWARE);
    expect(v3.supportedFeatures).to.deep.equal([{ name: "metadata.version", minVersion: 7, maxVersion: 30 }]);
    const v4 = await client.request(ApiVersions, 4, SOFTWARE);
    expect(v4.supportedFeatures.map(({ name }) => name)).to.include.members(["metadata.version", "kraft.version"]);
    for (const { finalizedFeatures, finalizedFeaturesEpoch } of [v3, v4]) {
      expect(finalizedFeaturesEpoch).to.be.at.least(0);
      const level = finalizedFeatures.find(({ name }) => name === "metadata.version");
      expect(level).to.deep.include({ maxVersionLevel: 30, minVersionLevel: 30 });
    }
  });

  for (const name of ["", "-x", "x-", "a b", "ä", "x\n"]) {
    it(`refuses the software name ${JSON.stringify(name)}`, async () => {
      const body = await client.request(ApiVersions, 3, { clientSoftwareName: name, clientSoftwareVersion: "1" });
      expect(body.errorCode).to.equal(Errors.INVALID_REQUEST);
      expect((await client.request(ApiVersions, 3, SOFTWARE)).errorCode).to.equal(0);
    });
  }

  it("on the controller's listener names what is served there", async () => {
    const { port } = broker.endpoints.find(({ role }) => role === "controller")!;
    const controller = await RawClient.connect({ host: "127.0.0.1", port });
    const body = await controller.request(ApiVersions, 3, SOFTWARE);
    const keys = body.apiKeys.map(({ apiKey }) => apiKey);
    expect(keys).to.include(18);
    expect(keys).to.not.include.members([0, 2]);
    controller.close();
  });
});
