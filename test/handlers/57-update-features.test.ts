import { expect } from "chai";
import { type ApiError, Errors } from "../../protocol/errors.ts";
import { updateFeatures } from "../../src/handlers/57-update-features.ts";
import { supportedFeatures } from "../../src/metadata/features.ts";
import { metadataRecordCodec } from "../../src/metadata/records.ts";
import { ControllerFixture, uuidOf } from "../metadata/support/controller-fixture.ts";
import { call } from "../metadata/support/handler-call.ts";

const [UPGRADE, SAFE_DOWNGRADE] = [1, 2] as const;

interface Update {
  readonly feature: string;
  readonly level: number;
  readonly upgradeType?: number;
}

function update(fixture: ControllerFixture, updates: readonly Update[], { version = 2, validateOnly = false } = {}) {
  const featureUpdates = updates.map(({ feature, level, upgradeType = UPGRADE }) => ({
    feature,
    maxVersionLevel: level,
    allowDowngrade: version === 0 && upgradeType !== UPGRADE,
    upgradeType: version === 0 ? UPGRADE : upgradeType,
  }));
  return call(fixture, updateFeatures, version, { timeoutMs: 1000, featureUpdates, validateOnly });
}

describe("UpdateFeatures", () => {
  for (const version of [0, 1, 2]) {
    it(`lowers and raises a level in v${version}`, async () => {
      const fixture = await ControllerFixture.start();
      const lowered = await update(fixture, [{ feature: "share.version", level: 0, upgradeType: SAFE_DOWNGRADE }], {
        version,
      });
      expect(lowered).to.include({ errorCode: 0, errorMessage: null });
      expect(lowered.results).to.have.length(version === 2 ? 0 : 1);
      expect(fixture.image.features.has("share.version")).to.equal(false);
      await update(fixture, [{ feature: "share.version", level: 1 }], { version });
      expect(fixture.image.features.get("share.version")).to.equal(1);
    });
  }

  it("changes nothing when it only validates, or when one of several updates is refused", async () => {
    const fixture = await ControllerFixture.start();
    const before = fixture.log.logEndOffset;
    const lower = { feature: "share.version", level: 0, upgradeType: SAFE_DOWNGRADE };
    expect((await update(fixture, [lower], { validateOnly: true })).errorCode).to.equal(0);
    const response = await update(fixture, [lower, { feature: "group.version", level: 9 }]);
    expect(response.errorCode).to.equal(Errors.INVALID_UPDATE_VERSION);
    expect(fixture.log.logEndOffset).to.equal(before);
  });

  const refusals: readonly [string, Update, number][] = [
    ["an unknown feature", { feature: "bogus", level: 1 }, Errors.INVALID_UPDATE_VERSION],
    ["a level that is not supported", { feature: "group.version", level: 2 }, Errors.INVALID_UPDATE_VERSION],
    ["a negative level", { feature: "group.version", level: -1 }, Errors.INVALID_UPDATE_VERSION],
    ["lowering under the name of an upgrade", { feature: "group.version", level: 0 }, Errors.INVALID_UPDATE_VERSION],
    [
      "an unknown kind of upgrade",
      { feature: "group.version", level: 1, upgradeType: 9 },
      Errors.INVALID_UPDATE_VERSION,
    ],
    ["no metadata version", { feature: "metadata.version", level: 0, upgradeType: 2 }, Errors.INVALID_UPDATE_VERSION],
    [
      "an older metadata version",
      { feature: "metadata.version", level: 29, upgradeType: 2 },
      Errors.INVALID_UPDATE_VERSION,
    ],
    [
      "a version of the quorum that is not supported",
      { feature: "kraft.version", level: 2 },
      Errors.INVALID_UPDATE_VERSION,
    ],
    [
      "an older version of the quorum",
      { feature: "kraft.version", level: 0, upgradeType: SAFE_DOWNGRADE },
      Errors.INVALID_UPDATE_VERSION,
    ],
  ];
  for (const [what, wanted, errorCode] of refusals) {
    it(`refuses ${what}`, async () => {
      const fixture = await ControllerFixture.start();
      expect((await update(fixture, [wanted])).errorCode).to.equal(errorCode);
    });
  }

  it("refuses a feature given twice", async () => {
    const fixture = await ControllerFixture.start();
    const twice = { feature: "group.version", level: 1 };
    expect((await update(fixture, [twice, twice])).errorCode).to.equal(Errors.INVALID_REQUEST);
  });

  describe("of kraft.version", () => {
    const raise = { feature: "kraft.version", level: 1 };
    const lower = { feature: "share.version", level: 0, upgradeType: SAFE_DOWNGRADE };
    const NO_SUPPORT = supportedFeatures.map(range =>
      range.name === "kraft.version" ? { ...range, maxSupportedVersion: 0 } : range,
    );

    async function startConfigured(): Promise<ControllerFixture> {
      const fixture = await ControllerFixture.start();
      fixture.quorumVersion.current = 0;
      return fixture;
    }

    it("has the quorum raise it in the epoch of the decision, behind the other updates, and none of it in the metadata", async () => {
      const fixture = await startConfigured();
      expect((await update(fixture, [raise, lower])).errorCode).to.equal(Errors.NONE);
      expect(fixture.quorumVersion.tries).to.deep.equal([{ epoch: fixture.log.epoch, kraftVersion: 1 }]);
      expect([...fixture.image.features.keys()])
        .not.to.include.members(["kraft.version"])
        .and.not.include("share.version");
    });

    it("answers behind a no-op record, which tells that all have applied what the quorum wrote", async () => {
      const fixture = await startConfigured();
      const endOffset = fixture.log.logEndOffset;
      await update(fixture, [raise]);
      const types = fixture.log.batches
        .filter(({ baseOffset }) => baseOffset >= endOffset)
        .flatMap(({ records }) => records.map(value => metadataRecordCodec.decode(value).type));
      expect(types).to.deep.equal(["NoOpRecord"]);
    });

    it("raises nothing in a dry run, which says what the quorum would refuse", async () => {
      const fixture = await startConfigured();
      expect((await update(fixture, [raise], { validateOnly: true })).errorCode).to.equal(Errors.NONE);
      fixture.quorumVersion.refuses = { errorCode: Errors.INVALID_UPDATE_VERSION, message: "voters 3 are silent." };
      const refused = await update(fixture, [raise], { validateOnly: true });
      expect(refused.errorCode).to.equal(Errors.INVALID_UPDATE_VERSION);
      expect(refused.errorMessage).to.contain("kraft.version").and.contain("voters 3 are silent.");
      expect(fixture.quorumVersion.tries).to.deep.equal([]);
    });

    it("changes nothing else when the quorum refuses", async () => {
      const fixture = await startConfigured();
      fixture.quorumVersion.refuses = { errorCode: Errors.REQUEST_TIMED_OUT, message: null };
      expect((await update(fixture, [lower, raise])).errorCode).to.equal(Errors.REQUEST_TIMED_OUT);
      expect(fixture.image.features.get("share.version")).to.equal(1);
    });

    it("passes on what the quorum answers in the end; one that is led elsewhere is no controller", async () => {
      const fixture = await startConfigured();
      fixture.quorumVersion.outcome = { errorCode: Errors.NOT_LEADER_OR_FOLLOWER, message: "resigned" };
      const featureUpdates = [
        { feature: "kraft.version", maxVersionLevel: 1, allowDowngrade: false, upgradeType: UPGRADE },
      ];
      const request = { timeoutMs: 1000, featureUpdates, validateOnly: false };
      const answered = fixture.controller.updateFeatures(request, 2).then(
        () => Errors.NONE,
        (error: ApiError) => error.code,
      );
      expect(await fixture.complete(answered)).to.equal(Errors.NOT_CONTROLLER);
    });

    it("to the level it has changes nothing, under whatever name", async () => {
      const fixture = await ControllerFixture.start();
      for (const upgradeType of [UPGRADE, SAFE_DOWNGRADE]) {
        expect((await update(fixture, [{ ...raise, upgradeType }])).errorCode).to.equal(Errors.NONE);
      }
      expect(fixture.quorumVersion.tries).to.deep.equal([]);
    });

    it("is refused while a broker does not support it", async () => {
      const fixture = await startConfigured();
      await fixture.addBroker(2, { features: NO_SUPPORT });
      expect((await update(fixture, [raise])).errorMessage).to.contain("broker 2 does not support");
    });

    it("is refused while a controller does not support it", async () => {
      const fixture = await startConfigured();
      const registered = fixture.controller.registerController({
        controllerId: 3,
        incarnationId: uuidOf(3),
        zkMigrationReady: false,
        listeners: [],
        features: NO_SUPPORT,
      });
      await fixture.complete(registered);
      expect((await update(fixture, [raise])).errorMessage).to.contain("controller 3 does not support");
    });
  });

  it("writes down the one minimum of in-sync replicas that was configured, with eligible leader replicas", async () => {
    const fixture = await ControllerFixture.start({ config: { "min.insync.replicas": "2" } });
    const minimum = (name: string) => fixture.image.configs.of(4, name).get("min.insync.replicas");
    expect(minimum("")).to.equal("2");

    const feature = "eligible.leader.replicas.version";
    await update(fixture, [{ feature, level: 0, upgradeType: SAFE_DOWNGRADE }]);
    const alter = (resourceName: string, configOperation: number, value: string | null) => ({
      resourceType: 4,
      resourceName,
      configs: [{ name: "min.insync.replicas", configOperation, value }],
    });
    const resources = [alter("", 1, null), alter("1", 0, "3")];
    await fixture.complete(fixture.controller.incrementalAlterConfigs({ resources, validateOnly: false }));
    expect([minimum(""), minimum("1")]).to.deep.equal([undefined, "3"]);

    await update(fixture, [{ feature, level: 1 }]);
    expect([minimum(""), minimum("1")]).to.deep.equal(["2", undefined]);
  });
});
