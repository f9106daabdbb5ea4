import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { BrokerProcess } from "../support/broker-process.ts";
import { kafkajsClient, readTopicWithKafkajs } from "../support/kafkajs.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
/** The oldest supported release, the one that development uses, and the newest. */
const NODE_VERSIONS = ["22.18.0", "24", "26"];

describe("the packed npm package", function () {
  this.timeout(300_000);
  let folder: string;
  let tarball: string;
  let project: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), "samsa-package-"));
    const [packed] = JSON.parse(
      execFileSync("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", folder], {
        cwd: ROOT,
      }).toString(),
    );
    tarball = join(folder, packed.filename);
    project = join(folder, "project");
    mkdirSync(project);
    writeFileSync(join(project, "package.json"), JSON.stringify({ name: "user", private: true, type: "module" }));
    execFileSync("npm", ["install", "--no-fund", "--no-audit", tarball], { cwd: project, stdio: "pipe" });
  });

  after(() => rmSync(folder, { recursive: true, force: true }));

  it("holds the built broker with types, and neither tests nor sources", () => {
    const names = execFileSync("tar", ["tzf", tarball]).toString().split("\n");
    expect(names).to.include("package/dist/src/cli/main.js");
    expect(names).to.include("package/dist/bundle/main.js");
    expect(names).to.include("package/dist/src/index.d.ts");
    expect(
      names.filter(name => /^package\/(src|test|bench|compat-tests|protocol|docs|scripts)\//.test(name)),
    ).to.deep.equal([]);
  });

  it("runs from the tarball through npx", () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
    const printed = execFileSync("npx", ["--yes", "--package", tarball, "samsa", "--version"], {
      cwd: folder,
      env: withPinnedNode(),
    });
    expect(printed.toString().trim()).to.contain(version);
  });

  it("is typed for its users", () => {
    writeFileSync(
      join(project, "use.ts"),
      'import { Broker } from "samsa";\nconst broker: Broker = await Broker.start({ port: 0 });\nawait broker.stop();\n',
    );
    const options = [
      "--noEmit",
      "--strict",
      "--module",
      "nodenext",
      "--target",
      "es2024",
      "--types",
      "node",
      "--typeRoots",
      join(ROOT, "node_modules/@types"),
    ];
    execFileSync(join(ROOT, "node_modules/.bin/tsc"), [...options, "use.ts"], { cwd: project, stdio: "pipe" });
  });

  it("compacts logs, in a thread whose code lies outside the bundle", async () => {
    const broker = await BrokerProcess.start({
      main: join(project, "node_modules", "samsa", "dist", "src", "cli", "main.js"),
      overrides: { "log.cleaner.backoff.ms": "100" },
    });
    const kafka = kafkajsClient(broker.address);
    const admin = kafka.admin();
    const producer = kafka.producer();
    try {
      await admin.connect();
      const configs = { "cleanup.policy": "compact", "segment.bytes": "1048576", "min.cleanable.dirty.ratio": "0.01" };
      const configEntries = Object.entries(configs).map(([name, value]) => ({ name, value }));
      await admin.createTopics({ topics: [{ topic: "compacted", configEntries }] });
      await producer.connect();
      for (let count = 0; count < 12; count++) {
        const messages = [{ key: "same", value: `${count}`.padEnd(400_000, "x") }];
        await producer.send({ topic: "compacted", messages });
      }
      const deadline = Date.now() + 60_000;
      for (;;) {
        const records = await readTopicWithKafkajs(broker.address, "compacted");
        expect(records.at(-1)?.value?.slice(0, 3)).to.equal("11x");
        if (records.length <= 4) break;
        expect(Date.now(), `${records.length} records are left: nothing is compacted\n${broker.output}`).to.be.below(
          deadline,
        );
        await new Promise(resolve => setTimeout(resolve, 1000));
      }
    } finally {
      await producer.disconnect();
      await admin.disconnect();
      await broker.dispose();
    }
  });

  for (const version of NODE_VERSIONS) {
    it(`serves kafkajs on Node ${version}`, async () => {
      const runtime = join(folder, `node-${version}`);
      mkdirSync(runtime);
      execFileSync("npm", ["install", "--no-fund", "--no-audit", "--prefix", runtime, `node@${version}`], {
        cwd: runtime,
        stdio: "pipe",
      });
      const broker = await BrokerProcess.start({
        node: join(runtime, "node_modules", ".bin", "node"),
        main: join(project, "node_modules", "samsa", "dist", "src", "cli", "main.js"),
      });
      try {
        const producer = kafkajsClient(broker.address, { retry: { retries: 5 } }).producer();
        await producer.connect();
        await producer.send({ topic: "packed", messages: [{ key: "node", value: version }] });
        await producer.disconnect();
        const records = await readTopicWithKafkajs(broker.address, "packed");
        expect(records.map(record => record.value)).to.deep.equal([version]);
        await broker.stop();
      } finally {
        await broker.dispose();
      }
    });
  }
});

/** The environment with this Node first on PATH, as npm scripts have it. */
function withPinnedNode(): NodeJS.ProcessEnv {
  return { ...process.env, PATH: `${join(ROOT, "node_modules/.bin")}:${process.env.PATH}` };
}
