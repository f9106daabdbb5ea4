import { expect } from "chai";
import { BrokerConfig } from "../../src/config/broker-config.ts";
import { GroupConfig, validateGroupConfigs } from "../../src/config/group-config.ts";
import { TopicConfig, validateTopicConfig, validateTopicConfigs } from "../../src/config/topic-config.ts";

function topic(overrides: Record<string, string>, file = ""): TopicConfig {
  return TopicConfig.resolve(new Map(Object.entries(overrides)), BrokerConfig.load({ files: [file] }));
}

function complaint(overrides: Record<string, string>, file = ""): string | null {
  return validateTopicConfigs(new Map(Object.entries(overrides)), BrokerConfig.load({ files: [file] }));
}

describe("TopicConfig", () => {
  it("takes its own value, else the broker's, else the default", () => {
    expect(topic({ "retention.bytes": "5" }, "log.retention.bytes=6").get("retention.bytes")).to.equal(5);
    expect(topic({}, "log.retention.bytes=6").get("retention.bytes")).to.equal(6);
    expect(topic({}).get("retention.bytes")).to.equal(-1);
  });

  it("turns the broker's hours and minutes into milliseconds; the finest unit that is set wins", () => {
    expect(topic({}).get("retention.ms")).to.equal(168 * 3_600_000);
    expect(topic({}, "log.retention.hours=2").get("retention.ms")).to.equal(7_200_000);
    expect(topic({}, "log.retention.hours=2\nlog.retention.minutes=3").get("retention.ms")).to.equal(180_000);
    expect(
      topic({}, "log.retention.hours=2\nlog.retention.minutes=3\nlog.retention.ms=4").get("retention.ms"),
    ).to.equal(4);
    expect(topic({}, "log.roll.hours=1").get("segment.ms")).to.equal(3_600_000);
    expect(topic({}, "log.retention.hours=-1").get("retention.ms")).to.equal(-1);
  });

  it("takes flush.ms from the scheduler's interval when the broker sets no flush interval", () => {
    expect(topic({}, "log.flush.scheduler.interval.ms=7").get("flush.ms")).to.equal(7);
    expect(topic({}).get("flush.ms")).to.equal(Number.MAX_SAFE_INTEGER);
  });

  it("min.insync.replicas: a majority from three replicas on, unless topic or broker say otherwise", () => {
    expect([1, 2, 3, 4, 5].map(factor => topic({}).minInsyncReplicas(factor))).to.deep.equal([1, 1, 2, 3, 3]);
    expect(topic({ "min.insync.replicas": "1" }).minInsyncReplicas(3)).to.equal(1);
    expect(topic({}, "min.insync.replicas=1").minInsyncReplicas(3)).to.equal(1);
  });

  it("internal.segment.bytes goes before segment.bytes", () => {
    expect(topic({ "internal.segment.bytes": "4096" }).segmentSizeBytes).to.equal(4096);
    expect(topic({ "segment.bytes": "2097152" }).segmentSizeBytes).to.equal(2_097_152);
  });

  it("an override that does not parse counts as not set", () => {
    expect(topic({ "segment.ms": "soon" }).get("segment.ms")).to.equal(604_800_000);
  });
});

describe("validateTopicConfig", () => {
  it("refuses unknown names, values out of range, and null", () => {
    expect(validateTopicConfig("retention.ms", "5")).to.equal(null);
    expect(validateTopicConfig("retention.hours", "5")).to.equal("Unknown topic config name: retention.hours");
    expect(validateTopicConfig("segment.bytes", "100")).to.contain("Invalid value 100 for configuration segment.bytes");
    expect(validateTopicConfig("cleanup.policy", "shred")).to.contain("Invalid value shred");
    expect(validateTopicConfig("retention.ms", null)).to.contain("Null value");
  });

  it("takes Kafka 2.4's keys only while emulating 2.4", () => {
    expect(validateTopicConfig("message.timestamp.difference.max.ms", "5")).to.contain("Unknown topic config");
    expect(validateTopicConfig("message.timestamp.difference.max.ms", "5", "2.4")).to.equal(null);
  });

  it("checks keys against each other and against what the broker has", () => {
    expect(complaint({ "min.compaction.lag.ms": "5", "max.compaction.lag.ms": "4" })).to.contain(
      "must not be larger than max.compaction.lag.ms",
    );
    expect(complaint({ "remote.storage.enable": "true" })).to.contain("no remote storage");
    expect(
      complaint(
        { "remote.storage.enable": "true", "local.retention.ms": "9", "retention.ms": "8" },
        "remote.log.storage.system.enable=true",
      ),
    ).to.contain("local.retention.ms");
    expect(complaint({ "cleanup.policy": "compact,delete", "retention.ms": "1" })).to.equal(null);
  });
});

describe("GroupConfig", () => {
  const broker = BrokerConfig.load({ files: ["group.consumer.heartbeat.interval.ms=6000"] });

  it("takes its own value, else the broker's, else the default", () => {
    const group = GroupConfig.resolve(new Map([["consumer.session.timeout.ms", "50000"]]), broker);
    expect(group.get("consumer.session.timeout.ms")).to.equal(50_000);
    expect(group.get("consumer.heartbeat.interval.ms")).to.equal(6000);
    expect(group.get("share.auto.offset.reset")).to.equal("latest");
  });

  it("a stored value outside the broker's bounds: counts as the nearest bound", () => {
    expect(
      GroupConfig.resolve(new Map([["consumer.session.timeout.ms", "1"]]), broker).get("consumer.session.timeout.ms"),
    ).to.equal(45_000);
  });

  it("refuses unknown names, values outside the bounds, and heartbeats as slow as the session", () => {
    const check = (name: string, value: string): string | null =>
      validateGroupConfigs(new Map([[name, value]]), broker);
    expect(check("consumer.session.timeout.ms", "50000")).to.equal(null);
    expect(check("nothing", "1")).to.contain("Unknown group config");
    expect(check("consumer.session.timeout.ms", "60001")).to.contain("this broker allows 45000 to 60000");
    expect(check("share.auto.offset.reset", "by_duration:PT1H")).to.equal(null);
    expect(check("share.auto.offset.reset", "by_duration:1h")).to.contain("Invalid value");
    expect(check("streams.num.standby.replicas", "3")).to.contain("allows");
  });
});
