import { expect } from "chai";
import { BrokerRegistration } from "../../protocol/apis/62-broker-registration.ts";
import { ApiError, Errors } from "../../protocol/errors.ts";
import { nullLogger } from "../../src/logging/index.ts";
import { BrokerLifecycle, type BrokerLifecycleModules } from "../../src/metadata/broker-lifecycle.ts";
import { emptyImage } from "../../src/metadata/image.ts";
import { SimulatedTime } from "../../src/platform/memory-time.ts";

const KAFKA_SESSION_MS = 9_000;

describe("a broker that registers under an id whose last process a controller still holds for alive", () => {
  it("waits longer than the session that Apache Kafka's controllers give, and says so once", async () => {
    const { result, warnings } = await registered(KAFKA_SESSION_MS);
    expect(result).to.equal("registered");
    expect(warnings).to.deep.equal(["broker.registration-refused"]);
  });

  it("gives up when that process goes on living", async () => {
    const { result, elapsedMs } = await registered(Number.POSITIVE_INFINITY);
    expect(result).to.be.instanceOf(ApiError).with.property("code", Errors.DUPLICATE_BROKER_REGISTRATION);
    expect(elapsedMs).to.be.within(2 * KAFKA_SESSION_MS, 30_000);
  });
});

/** Registers with a controller that refuses for so long. */
async function registered(refusedMs: number) {
  const time = new SimulatedTime();
  const warnings: string[] = [];
  const channel = {
    request: async (api: unknown) => {
      const isRefused = api === BrokerRegistration && time.monotonic() < refusedMs;
      return {
        errorCode: isRefused ? Errors.DUPLICATE_BROKER_REGISTRATION : Errors.NONE,
        brokerEpoch: 7,
        isFenced: true,
      };
    },
  } as unknown as BrokerLifecycleModules["channel"];
  const metadata = { image: emptyImage, isCaughtUp: true, waitFor: async () => {}, subscribe: () => () => {} };
  const logger = { ...nullLogger, warn: (event: string) => warnings.push(event) };
  const lifecycle = new BrokerLifecycle(
    {
      registration: {} as never,
      previousBrokerEpoch: -1,
      heartbeatIntervalMs: 300,
      sessionTimeoutMs: 1_500,
      registrationTimeoutMs: 60_000,
    },
    {
      channel,
      metadata: metadata as never,
      clock: time,
      timers: time,
      logger: logger as never,
      cordonedDirectories: () => [],
    },
  );
  let result: unknown = null;
  lifecycle.register().then(
    () => (result = "registered"),
    error => (result = error),
  );
  const startedMs = time.monotonic();
  while (result === null && time.monotonic() - startedMs < 60_000) await time.advance(100);
  lifecycle.stop();
  return { result, warnings, elapsedMs: time.monotonic() - startedMs };
}
