import { spawn } from "node:child_process";
import {
  closeSync,
  existsSync,
  fstatSync,
  linkSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { NodeDisk } from "../../src/platform/node-disk.ts";
import { DiskError } from "../../src/platform/platform.ts";
import { diskContract, expectDiskError } from "./disk-contract.ts";

function temporaryDirectory(): { directory: string; close(): void } {
  const directory = mkdtempSync(join(tmpdir(), "samsa-disk-"));
  return { directory, close: () => rmSync(directory, { recursive: true, force: true }) };
}

diskContract("NodeDisk", () => ({ disk: new NodeDisk(), ...temporaryDirectory() }));

describe("NodeDisk.open(…).syncNow", () => {
  it("syncs beside a sync under way, be the file renamed or removed meanwhile, and leaves no descriptor open", async () => {
    const { directory, close } = temporaryDirectory();
    const disk = new NodeDisk();
    const file = disk.open(`${directory}/a`, "create");
    const descriptors = (): number => readdirSync("/proc/self/fd").length;
    const before = process.platform === "linux" ? descriptors() : 0;
    file.writev([Buffer.alloc(1 << 20, 1)], 0);
    const first = file.sync();
    file.syncNow();
    disk.rename(`${directory}/a`, `${directory}/b`);
    file.syncNow();
    disk.remove(`${directory}/b`);
    const second = file.sync();
    file.syncNow();
    await Promise.all([first, second]);
    if (process.platform === "linux") expect(descriptors()).to.equal(before);
    file.close();
    close();
  });
});

describe("NodeDisk.removeAsync", () => {
  /** Large enough to be freed in several pieces. */
  const SIZE_BYTES = 10 * 1024 * 1024;

  it("takes the name of a large file at once and frees its space before it resolves", async () => {
    const { directory, close } = temporaryDirectory();
    const path = `${directory}/large`;
    writeFileSync(path, Buffer.alloc(SIZE_BYTES, 1));
    const reader = openSync(path, "r");
    await new NodeDisk().removeAsync(path);
    expect(existsSync(path)).to.equal(false);
    expect(fstatSync(reader).size).to.be.below(SIZE_BYTES / 2);
    closeSync(reader);
    close();
  });

  it("leaves another name of a large file all that it had", async () => {
    const { directory, close } = temporaryDirectory();
    const contents = Buffer.alloc(SIZE_BYTES, 7);
    writeFileSync(`${directory}/a`, contents);
    linkSync(`${directory}/a`, `${directory}/b`);
    await new NodeDisk().removeAsync(`${directory}/a`);
    expect(existsSync(`${directory}/a`)).to.equal(false);
    expect(readFileSync(`${directory}/b`).equals(contents)).to.equal(true);
    close();
  });

  it("tells of what cannot be removed", async () => {
    const { directory, close } = temporaryDirectory();
    await new NodeDisk().removeAsync(directory).then(
      () => expect.fail("a directory was removed as a file"),
      error => expect(error).to.be.instanceOf(DiskError),
    );
    close();
  });
});

describe("NodeDisk.lock", () => {
  let directory: string;
  let close: () => void;

  beforeEach(() => {
    ({ directory, close } = temporaryDirectory());
  });

  afterEach(() => close());

  it("excludes another process, and is gone when that is killed", async () => {
    const disk = new NodeDisk();
    const path = `${directory}/.lock`;
    const module = new URL("../../src/platform/node-disk.ts", import.meta.url).href;
    const program = `const { NodeDisk } = await import(${JSON.stringify(module)});
      console.log(new NodeDisk().lock(${JSON.stringify(path)}) === null ? "refused" : "locked");
      setInterval(() => {}, 1000);`;
    const holder = spawn(process.execPath, ["--input-type=module", "-e", program], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    const stderr: Buffer[] = [];
    holder.stderr.on("data", chunk => stderr.push(chunk));
    const exited = new Promise<void>(resolve => holder.once("exit", () => resolve()));
    const answer = await new Promise<string>(resolve =>
      holder.stdout.once("data", chunk => resolve(String(chunk).trim())),
    );
    expect(answer).to.equal("locked");
    expect(disk.lock(path)).to.equal(null);
    holder.kill("SIGKILL");
    await exited;
    const release = disk.lock(path);
    expect(release).to.be.a("function");
    release!();
    expect(Buffer.concat(stderr).toString(), "no warning about SQLite").to.not.include("Warning");
  });

  it("fails with EINVAL on a file that holds something", () => {
    writeFileSync(`${directory}/.lock`, "not a lock, but somebody's data, long enough to look like some".repeat(20));
    expectDiskError(() => new NodeDisk().lock(`${directory}/.lock`), "EINVAL", "lock", `${directory}/.lock`);
  });
});
