import { expect } from "chai";
import { BrokerConfig } from "../../src/config/broker-config.ts";
import { ConfigSource } from "../../src/config/config-source.ts";
import type { Password } from "../../src/config/password.ts";
import { ConfigError } from "../../src/config/problems.ts";
import { environmentKey } from "../../src/config/sources.ts";

function errors(file: string): string[] {
  const { problems } = BrokerConfig.parse({ files: [file] });
  return problems.filter(problem => problem.severity === "error").map(problem => problem.message);
}

function warnings(file: string): string[] {
  const { problems } = BrokerConfig.parse({ files: [file] });
  return problems.filter(problem => problem.severity === "warning").map(problem => problem.message);
}

function load(file: string): BrokerConfig {
  return BrokerConfig.load({ files: [file], hostname: "host.example" });
}

describe("BrokerConfig without any setting", () => {
  const { config, problems } = BrokerConfig.parse();

  it("is complete: one node with both roles on the loopback address", () => {
    expect(problems).to.deep.equal([]);
    expect(config.nodeId).to.equal(1);
    expect(config.roles).to.deep.equal(["broker", "controller"]);
    expect(config.logDirs).to.deep.equal(["./data"]);
    expect(config.metadataLogDir).to.equal("./data");
    const client = { name: "PLAINTEXT", host: "127.0.0.1", port: 9092, protocol: "PLAINTEXT" };
    expect(config.brokerListeners()).to.deep.equal([client]);
    expect(config.advertisedListeners()).to.deep.equal([client]);
    expect(config.controllerListeners()).to.deep.equal([{ ...client, name: "CONTROLLER", port: 19_092 }]);
    expect(config.interBrokerListenerName).to.equal("PLAINTEXT");
  });

  it("types each value by its table row", () => {
    const hours: number = config.get("log.roll.hours");
    const milliseconds: number | null = config.get("log.roll.ms");
    const protocols: readonly string[] = config.get("ssl.enabled.protocols");
    const password: Password | null = config.get("ssl.key.password");
    const isEnabled: boolean = config.get("auto.create.topics.enable");
    // @ts-expect-error: a null default makes the value nullable
    const wrong: number = config.get("log.roll.ms");
    // @ts-expect-error: no such key
    config.get("log.rol.ms");
    expect([hours, milliseconds, wrong, protocols.length, password, isEnabled]).to.deep.equal([
      168,
      null,
      null,
      2,
      null,
      true,
    ]);
  });

  it("gives internal topics no more replicas than there are brokers, unless told", () => {
    expect(
      [1, 2, 5].map(count => config.internalTopicReplicationFactor("offsets.topic.replication.factor", count)),
    ).to.deep.equal([1, 2, 3]);
    expect(
      load("offsets.topic.replication.factor=2").internalTopicReplicationFactor("offsets.topic.replication.factor", 1),
    ).to.equal(2);
    expect(
      [1, 2, 3].map(factor => config.internalTopicMinInsyncReplicas("transaction.state.log.min.isr", factor)),
    ).to.deep.equal([1, 1, 2]);
  });
});

describe("BrokerConfig.parse sources", () => {
  it("lets the environment win over files, flags over both, and later files over earlier ones", () => {
    const { config } = BrokerConfig.parse({
      files: [
        "num.partitions=1\nlog.roll.hours=1\nlog.dirs=/a\nnode.id=9",
        { name: "second", text: "log.roll.hours=2\nlog.dirs=/b" },
      ],
      environment: { SAMSA_LOG_DIRS: "/c", SAMSA_NODE_ID: "8", HOME: "/root" },
      overrides: { "node.id": "7" },
    });
    expect([config.get("num.partitions"), config.get("log.roll.hours"), config.logDirs, config.nodeId]).to.deep.equal([
      1,
      2,
      ["/c"],
      7,
    ]);
    expect(config.source("node.id")).to.equal(ConfigSource.STATIC_BROKER_CONFIG);
    expect(config.source("num.io.threads")).to.equal(ConfigSource.DEFAULT_CONFIG);
  });

  it("turns variables into keys: _ dot, __ underscore, ___ hyphen, samsa. optional", () => {
    expect(environmentKey("SAMSA_LOG_RETENTION_MS")).to.equal("log.retention.ms");
    expect(environmentKey("SAMSA_LISTENER_NAME_SASL__SSL_SSL_KEYSTORE_LOCATION")).to.equal(
      "listener.name.sasl_ssl.ssl.keystore.location",
    );
    expect(environmentKey("SAMSA_LISTENER_NAME_A_SCRAM___SHA___256_SASL_JAAS_CONFIG")).to.equal(
      "listener.name.a.scram-sha-256.sasl.jaas.config",
    );
    expect(environmentKey("SAMSA_LOG_FORMAT")).to.equal("samsa.log.format");
    expect(environmentKey("SAMSA_SAMSA_LOG_FORMAT")).to.equal("samsa.log.format");
  });

  it("is quiet about the variables Kubernetes sets for a service of our name", () => {
    const environment = {
      SAMSA_PORT: "tcp://10.0.0.1:9092",
      SAMSA_PORT_9092_TCP_ADDR: "10.0.0.1",
      SAMSA_SERVICE_HOST: "10.0.0.1",
    };
    expect(BrokerConfig.parse({ environment }).problems).to.deep.equal([]);
  });

  it("warns about unknown keys by name and place, with the nearest known ones", () => {
    expect(warnings("\nlog.retentoin.ms=5")).to.deep.equal([
      "log.retentoin.ms (server.properties line 2) is not a known setting and is ignored; did you mean log.retention.ms?",
    ]);
    expect(warnings("zookeeper.connect=x")[0]).to.contain("there is no ZooKeeper");
    expect(warnings("listener.name.internal.ssl.keystor.location=x")).to.have.length(1);
    expect(warnings("rsm.config.anything=x")).to.deep.equal([]);
  });

  it("says once that a known key has no effect yet", () => {
    expect(warnings("remote.fetch.max.wait.ms=5")).to.deep.equal([
      "remote.fetch.max.wait.ms (server.properties line 1) is known but has no effect in this version",
    ]);
  });

  it("reports all bad values at once, with key, value, place and what was expected, secrets hidden", () => {
    const found = errors("log.roll.hours=0\nnum.partitions=many\nssl.client.auth=maybe");
    expect(found).to.deep.equal([
      'log.roll.hours = "0" (server.properties line 1): expected a number of at least 1',
      'num.partitions = "many" (server.properties line 2): expected a whole number (32 bits)',
      'ssl.client.auth = "maybe" (server.properties line 3): expected one of required, requested, none',
    ]);
    expect(() => load("log.roll.hours=0\nnum.partitions=many")).to.throw(
      ConfigError,
      /log\.roll\.hours[\s\S]*num\.partitions/,
    );
  });
});

describe("BrokerConfig cross-field checks", () => {
  const cases: [string, string, RegExp][] = [
    ["node.id and broker.id differ", "node.id=1\nbroker.id=2", /broker\.id = 2: must be left out or equal/],
    ["a malformed listener", "listeners=PLAINTEXT:/x:1", /not of the form NAME:\/\/host:port/],
    ["a port out of range", "listeners=PLAINTEXT://x:65536", /not of the form/],
    [
      "a listener name without protocol",
      "listeners=INSIDE://x:1\ninter.broker.listener.name=INSIDE",
      /INSIDE has no protocol/,
    ],
    ["a listener name twice", "listeners=PLAINTEXT://a:1,PLAINTEXT://a:2", /PLAINTEXT is there twice/],
    ["a port twice", "listeners=PLAINTEXT://a:1,SSL://a:1", /port 1 is there twice/],
    [
      "an advertised wildcard address",
      "listeners=PLAINTEXT://0.0.0.0:1",
      /advertised as 0\.0\.0\.0; clients cannot connect/,
    ],
    ["an advertised listener that is not bound", "advertised.listeners=SSL://a:1", /SSL is not in listeners/],
    [
      "an inter-broker listener nobody advertises",
      "inter.broker.listener.name=SSL",
      /no advertised listener has this name/,
    ],
    [
      "both ways to name the inter-broker listener",
      "inter.broker.listener.name=PLAINTEXT\nsecurity.inter.broker.protocol=PLAINTEXT",
      /set only one/,
    ],
    [
      "a broker bound to a controller listener",
      "process.roles=broker\ncontroller.quorum.bootstrap.servers=c:1\nlisteners=PLAINTEXT://a:1,CONTROLLER://a:2",
      /not a controller/,
    ],
    [
      "a controller bound to a client listener",
      "process.roles=controller\nlisteners=PLAINTEXT://a:1,CONTROLLER://a:2",
      /only a controller has no other/,
    ],
    ["a broker that finds no controller", "process.roles=broker", /controller\.quorum\.bootstrap\.servers must be set/],
    ["voters without this controller", "controller.quorum.voters=2@b:1", /must name this node/],
    ["an unknown role", "process.roles=zookeeper", /comma-separated list of broker, controller/],
    ["an unknown protocol", "listener.security.protocol.map=A:TLS", /A:TLS is not of the form/],
    [
      "SASL between brokers by a mechanism that is off",
      "listeners=SASL_SSL://a:1\nsecurity.inter.broker.protocol=SASL_SSL\nsasl.enabled.mechanisms=PLAIN",
      /must be one of sasl\.enabled\.mechanisms/,
    ],
    ["retention of zero", "log.retention.ms=0", /or -1 to keep records for ever/],
    [
      "minimum above maximum",
      "group.min.session.timeout.ms=9\ngroup.max.session.timeout.ms=8",
      /must not be larger than group\.max/,
    ],
    [
      "a group default above its maximum",
      "group.consumer.session.timeout.ms=60001",
      /must not be larger than group\.consumer\.max/,
    ],
    ["heartbeats slower than half the session", "broker.heartbeat.interval.ms=5000", /at most half of broker\.session/],
    ["a request queue smaller than a request", "queued.max.request.bytes=5", /at least socket\.request\.max\.bytes/],
    ["a group protocol list without classic", "group.coordinator.rebalance.protocols=consumer", /must include classic/],
    ["malformed overrides per address", "max.connections.per.ip.overrides=a", /not of the form host:count/],
    [
      "local retention above retention",
      "log.local.retention.ms=9\nlog.retention.ms=8",
      /must not be larger than log\.retention\.ms/,
    ],
  ];
  for (const [subject, file, expected] of cases) {
    it(`${subject}: refused`, () => {
      expect(errors(file).join("\n")).to.match(expected);
    });
  }

  it("an IPv4 and an IPv6 address on one port: accepted", () => {
    const file =
      "listeners=A://127.0.0.1:1,B://[::1]:1\nlistener.security.protocol.map=A:PLAINTEXT,B:PLAINTEXT,CONTROLLER:PLAINTEXT\ninter.broker.listener.name=A";
    expect(errors(file)).to.deep.equal([]);
  });
});

describe("BrokerConfig listeners", () => {
  it("without a host: bound to every interface, advertised by the host's name", () => {
    const config = load("listeners=PLAINTEXT://:9094");
    expect(config.brokerListeners()[0]).to.include({ host: "", port: 9094 });
    expect(config.advertisedListeners()[0]).to.include({ host: "host.example", port: 9094 });
    expect(config.controllerListeners()[0]).to.include({ host: "", port: 19_094 });
  });

  it("near the end of the port range: the controller's port goes down, and port 0 stays 0", () => {
    expect(load("listeners=PLAINTEXT://a:60000").controllerListeners()[0]?.port).to.equal(50_000);
    expect(load("listeners=PLAINTEXT://a:0").controllerListeners()[0]?.port).to.equal(0);
  });

  it("with a controller listener given: taken as it is, whatever its name", () => {
    const config = load("controller.listener.names=QUORUM\nlisteners=PLAINTEXT://a:1,quorum://a:2");
    expect(config.controllerListeners()).to.deep.equal([{ name: "QUORUM", host: "a", port: 2, protocol: "PLAINTEXT" }]);
  });

  it("with prefixed keys: the listener's own value wins over the general one", () => {
    const config = load("sasl.enabled.mechanisms=PLAIN\nlistener.name.plaintext.sasl.enabled.mechanisms=OAUTHBEARER");
    expect(config.getForListener("PLAINTEXT", "sasl.enabled.mechanisms")).to.deep.equal(["OAUTHBEARER"]);
    expect(config.getForListener("SSL", "sasl.enabled.mechanisms")).to.deep.equal(["PLAIN"]);
  });

  it("a controller alone: has no client listener and advertises none", () => {
    const config = load("process.roles=controller");
    expect(config.listeners().map(listener => listener.name)).to.deep.equal(["CONTROLLER"]);
  });
});

describe("BrokerConfig dynamic layers", () => {
  it("this broker's value wins over the cluster's, that over the static one, and taking them away goes back down", () => {
    const config = load("message.max.bytes=1");
    const seen: (readonly string[])[] = [];
    const stop = config.subscribe(names => seen.push(names));
    expect(config.applyDynamic(new Map(), new Map([["message.max.bytes", "2"]]))).to.deep.equal(["message.max.bytes"]);
    expect([config.get("message.max.bytes"), config.source("message.max.bytes")]).to.deep.equal([
      2,
      ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG,
    ]);
    config.applyDynamic(new Map([["message.max.bytes", "3"]]), new Map([["message.max.bytes", "2"]]));
    expect([config.get("message.max.bytes"), config.source("message.max.bytes")]).to.deep.equal([
      3,
      ConfigSource.DYNAMIC_BROKER_CONFIG,
    ]);
    config.applyDynamic(new Map(), new Map());
    expect([config.get("message.max.bytes"), config.source("message.max.bytes")]).to.deep.equal([
      1,
      ConfigSource.STATIC_BROKER_CONFIG,
    ]);
    stop();
    config.applyDynamic(new Map(), new Map([["message.max.bytes", "4"]]));
    expect(seen).to.deep.equal([["message.max.bytes"], ["message.max.bytes"], ["message.max.bytes"]]);
  });

  it("the same layers again: nobody is told", () => {
    const config = load("");
    config.applyDynamic(new Map(), new Map([["log.cleanup.policy", "compact,delete"]]));
    expect(config.applyDynamic(new Map(), new Map([["log.cleanup.policy", "compact,delete"]]))).to.deep.equal([]);
  });

  it("read-only keys, per-broker keys at the cluster's level, and values that do not parse: left to the layer below", () => {
    const config = load("");
    const layer = new Map([
      ["num.partitions", "7"],
      ["message.max.bytes", "many"],
      ["cordoned.log.dirs", "/a"],
    ]);
    expect(config.applyDynamic(new Map(), layer)).to.deep.equal([]);
    expect(config.applyDynamic(layer, new Map())).to.deep.equal(["cordoned.log.dirs"]);
    expect(config.get("num.partitions")).to.equal(1);
  });
});

describe("cordoned.log.dirs", () => {
  const complaint = (value: string, settings: Readonly<Record<string, string>> = {}) =>
    BrokerConfig.parse({ overrides: { "log.dirs": "/a,/b", "cordoned.log.dirs": value, ...settings } }).problems.map(
      ({ message }) => message,
    );

  it("names log directories, or all of them by *", () => {
    const paths = (value: string) => {
      expect(complaint(value)).to.deep.equal([]);
      return BrokerConfig.load({ overrides: { "log.dirs": "/a,/b", "cordoned.log.dirs": value } }).cordonedLogDirs;
    };
    expect(paths("")).to.deep.equal([]);
    expect(paths("/b")).to.deep.equal(["/b"]);
    expect(paths("*")).to.deep.equal(["/a", "/b"]);
  });

  it("names nothing else, in Kafka's words", () => {
    expect(complaint("/b,/c")).to.deep.equal([
      "All entries in cordoned.log.dirs must be present in log.dirs or log.dir. Missing entries : /c",
    ]);
    expect(complaint("*,/b")).to.deep.equal(["When cordoned.log.dirs is set to *, it must not contain other values"]);
  });
});
