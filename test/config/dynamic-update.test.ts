import { expect } from "chai";
import { BrokerConfig } from "../../src/config/broker-config.ts";
import {
  appendToList,
  subtractFromList,
  validateBrokerConfig,
  validateBrokerUpdate,
  validateClientMetricsConfigs,
} from "../../src/config/dynamic-update.ts";

describe("validateBrokerConfig", () => {
  it("cluster-wide keys: allowed at both levels", () => {
    expect(validateBrokerConfig("message.max.bytes", "5", "cluster")).to.equal(null);
    expect(validateBrokerConfig("message.max.bytes", "5", "broker")).to.equal(null);
  });

  it("read-only keys: refused, to set and to take away", () => {
    expect(validateBrokerConfig("num.partitions", "5", "broker")).to.contain("read-only");
    expect(validateBrokerConfig("num.partitions", null, "cluster")).to.contain("read-only");
  });

  it("per-broker keys: refused for the cluster; TLS and SASL ones need a listener prefix", () => {
    expect(validateBrokerConfig("cordoned.log.dirs", "*", "cluster")).to.contain("setting of each broker");
    expect(validateBrokerConfig("ssl.keystore.location", "/k", "broker")).to.contain("listener prefix");
    expect(validateBrokerConfig("listener.name.ssl.ssl.keystore.location", "/k", "broker")).to.equal(null);
    expect(validateBrokerConfig("listener.name.ssl.ssl.keystore.location", "/k", "cluster")).to.contain("each broker");
  });

  it("bad values: refused, secrets not repeated", () => {
    expect(validateBrokerConfig("message.max.bytes", "-5", "cluster")).to.contain("Invalid value -5");
  });

  it("names nobody knows: accepted, as Kafka does", () => {
    expect(validateBrokerConfig("cleanup.policy", "compact", "broker")).to.equal(null);
  });
});

describe("validateBrokerUpdate", () => {
  it("checks the rules across keys on what the update would leave", () => {
    const config = BrokerConfig.load();
    const lag = new Map([["log.cleaner.max.compaction.lag.ms", "5"]]);
    expect(validateBrokerUpdate(config, new Map(), lag)).to.equal(null);
    expect(validateBrokerUpdate(config, new Map([["log.cleaner.min.compaction.lag.ms", "6"]]), lag)).to.contain(
      "must not be larger",
    );
    expect(config.get("log.cleaner.max.compaction.lag.ms"), "unchanged").to.equal(Number.MAX_SAFE_INTEGER);
  });
});

describe("validateClientMetricsConfigs", () => {
  it("knows its three keys, the interval's bounds and the match fields", () => {
    const check = (name: string, value: string): string | null =>
      validateClientMetricsConfigs(new Map([[name, value]]));
    expect(check("interval.ms", "100")).to.equal(null);
    expect(check("interval.ms", "99")).to.contain("from 100 to 3600000");
    expect(check("match", "client_id=a.*, client_software_name=x")).to.equal(null);
    expect(check("match", "colour=red")).to.contain("Illegal client matching pattern");
    expect(check("match", "client_id=(")).to.contain("Illegal client matching pattern");
    expect(check("other", "1")).to.contain("Unknown client metrics");
  });
});

describe("list operations", () => {
  it("append adds what is missing at the end; subtract takes away", () => {
    expect(appendToList("a, b", "b,c")).to.equal("a,b,c");
    expect(appendToList(null, "a")).to.equal("a");
    expect(appendToList("", "")).to.equal("");
    expect(subtractFromList("a,b,c", "b, x")).to.equal("a,c");
  });
});
