/** What every {@link Disk} must do; run against the real one and the one in memory. */
import { expect } from "chai";
import fc from "fast-check";
import { atomicWrite, makeDirectoryDurably, readFileIfExists, removeDurably } from "../../src/platform/files.ts";
import { type Disk, DiskError } from "../../src/platform/platform.ts";

export interface DiskUnderTest {
  readonly disk: Disk;
  /** An existing, empty directory. */
  readonly directory: string;
  close?(): void;
}

export function diskContract(name: string, setUp: () => DiskUnderTest): void {
  describe(`${name} as a Disk`, () => {
    let subject: DiskUnderTest;
    let disk: Disk;
    let path: (file: string) => string;

    beforeEach(() => {
      subject = setUp();
      disk = subject.disk;
      path = file => `${subject.directory}/${file}`;
    });

    afterEach(() => subject.close?.());

    describe("open", () => {
      it("read fails with ENOENT on a missing file, and forbids writing", () => {
        expectDiskError(() => disk.open(path("a"), "read"), "ENOENT", "open", path("a"));
        disk.writeFile(path("a"), Buffer.from("x"));
        const file = disk.open(path("a"), "read");
        expectDiskError(() => file.writev([Buffer.from("y")], 0), "EBADF", "writev", path("a"));
        file.close();
      });

      it("write creates a missing file and keeps one that is there", () => {
        disk.open(path("a"), "write").close();
        expect(disk.status(path("a")).sizeBytes).to.equal(0);
        disk.writeFile(path("a"), Buffer.from("kept"));
        const file = disk.open(path("a"), "write");
        expect(file.size()).to.equal(4);
        file.close();
      });

      it("create fails with EEXIST on a file that is there", () => {
        disk.open(path("a"), "create").close();
        expectDiskError(() => disk.open(path("a"), "create"), "EEXIST", "open", path("a"));
      });

      it("fails with ENOENT in a missing directory and EISDIR on a directory", () => {
        expectDiskError(() => disk.open(path("no/a"), "write"), "ENOENT", "open", path("no/a"));
        expectDiskError(() => disk.open(subject.directory, "write"), "EISDIR", "open", subject.directory);
      });
    });

    describe("file", () => {
      it("writev writes all buffers in order at the position, empty ones too", () => {
        const file = disk.open(path("a"), "write");
        file.writev([Buffer.from("hello "), Buffer.alloc(0), Buffer.from("world")], 0);
        file.writev([], 3);
        file.writev([Buffer.from("J")], 0);
        file.writev([Buffer.from("!"), Buffer.from("!")], 11);
        file.close();
        expect(disk.readFile(path("a")).toString()).to.equal("Jello world!!");
      });

      it("writev takes more buffers than one system call does", () => {
        const file = disk.open(path("a"), "write");
        const buffers = Array.from({ length: 5_000 }, (_, index) => Buffer.from([index & 0xff, index >>> 8]));
        file.writev(buffers, 0);
        file.close();
        expect(disk.readFile(path("a")).equals(Buffer.concat(buffers))).to.equal(true);
      });

      it("a write beyond the end leaves zeros between", () => {
        const file = disk.open(path("a"), "write");
        file.writev([Buffer.from("x")], 3);
        file.close();
        expect([...disk.readFile(path("a"))]).to.deep.equal([0, 0, 0, 120]);
      });

      it("read fills the target, less only at the end of the file, nothing behind it", async () => {
        disk.writeFile(path("a"), Buffer.from("0123456789"));
        const file = disk.open(path("a"), "read");
        const target = Buffer.alloc(4);
        expect(file.read(target, 2)).to.equal(4);
        expect(target.toString()).to.equal("2345");
        expect(file.read(target, 8)).to.equal(2);
        expect(target.toString("utf8", 0, 2)).to.equal("89");
        expect(file.read(target, 10)).to.equal(0);
        expect(file.read(target, 100)).to.equal(0);
        expect(await file.readAsync(target, 2)).to.equal(4);
        expect(target.toString()).to.equal("2345");
        expect(await file.readAsync(target, 8)).to.equal(2);
        expect(await file.readAsync(target, 100)).to.equal(0);
        expect(await file.readAsync(Buffer.alloc(0), 0)).to.equal(0);
        file.close();
      });

      it("truncate shortens, and lengthens by zeros", () => {
        disk.writeFile(path("a"), Buffer.from("0123456789"));
        const file = disk.open(path("a"), "write");
        file.truncate(3);
        expect(file.size()).to.equal(3);
        file.truncate(5);
        file.close();
        expect([...disk.readFile(path("a"))]).to.deep.equal([48, 49, 50, 0, 0]);
      });

      it("sync and syncNow succeed, side by side too", async () => {
        const file = disk.open(path("a"), "write");
        file.writev([Buffer.from("x")], 0);
        file.syncNow();
        await Promise.all([file.sync(), file.sync(), file.sync()]);
        file.close();
      });

      it("close lets what is under way finish, and fails everything after with EBADF", async () => {
        disk.writeFile(path("a"), Buffer.from("0123456789"));
        const file = disk.open(path("a"), "write");
        const target = Buffer.alloc(10);
        const pending = [file.sync(), file.readAsync(target, 0)] as const;
        file.close();
        file.close();
        expectDiskError(() => file.writev([Buffer.from("x")], 0), "EBADF", "writev", path("a"));
        expectDiskError(() => file.read(target, 0), "EBADF", "read", path("a"));
        expectDiskError(() => file.size(), "EBADF", "size", path("a"));
        expect(await pending[1]).to.equal(10);
        await pending[0];
      });

      it("an open file outlives its name", () => {
        const file = disk.open(path("a"), "write");
        file.writev([Buffer.from("x")], 0);
        disk.remove(path("a"));
        expect(file.size()).to.equal(1);
        file.writev([Buffer.from("y")], 1);
        file.close();
        expect(disk.exists(path("a"))).to.equal(false);
      });

      it("behaves as an array of bytes under any sequence of writes, truncations and reads", () => {
        const operation = fc.oneof(
          fc.record({
            kind: fc.constant("write" as const),
            position: fc.nat(300),
            bytes: fc.uint8Array({ maxLength: 100 }),
          }),
          fc.record({ kind: fc.constant("truncate" as const), position: fc.nat(300) }),
          fc.record({ kind: fc.constant("read" as const), position: fc.nat(400), sizeBytes: fc.nat(100) }),
        );
        let run = 0;
        fc.assert(
          fc.property(fc.array(operation, { maxLength: 30 }), operations => {
            const file = disk.open(path(`model-${run++}`), "create");
            let model = Buffer.alloc(0);
            for (const step of operations) {
              if (step.kind === "write") {
                const split = step.bytes.length >>> 1;
                file.writev([step.bytes.subarray(0, split), step.bytes.subarray(split)], step.position);
                if (step.bytes.length > 0) {
                  const grown = Buffer.alloc(Math.max(model.length, step.position + step.bytes.length));
                  grown.set(model);
                  grown.set(step.bytes, step.position);
                  model = grown;
                }
              } else if (step.kind === "truncate") {
                file.truncate(step.position);
                const cut = Buffer.alloc(step.position);
                cut.set(model.subarray(0, step.position));
                model = cut;
              } else {
                const target = Buffer.alloc(step.sizeBytes);
                const count = file.read(target, step.position);
                const expected = model.subarray(step.position, step.position + step.sizeBytes);
                expect(target.subarray(0, count).equals(expected)).to.equal(true);
              }
              expect(file.size()).to.equal(model.length);
            }
            file.close();
          }),
          { numRuns: 50 },
        );
      });
    });

    describe("names", () => {
      it("list is sorted and has files and directories", () => {
        for (const name of ["b", "a", "B", "10", "9"]) disk.writeFile(path(name), Buffer.alloc(0));
        disk.makeDirectory(path("c"));
        expect(disk.list(subject.directory)).to.deep.equal(["10", "9", "B", "a", "b", "c"]);
        expectDiskError(() => disk.list(path("none")), "ENOENT", "list", path("none"));
      });

      it("status tells size and kind, and ENOENT", () => {
        disk.writeFile(path("a"), Buffer.from("abc"));
        const status = disk.status(path("a"));
        expect(status.sizeBytes).to.equal(3);
        expect(status.isDirectory).to.equal(false);
        expect(status.modifiedMs).to.satisfy(Number.isInteger);
        expect(disk.status(subject.directory).isDirectory).to.equal(true);
        expectDiskError(() => disk.status(path("none")), "ENOENT", "status", path("none"));
        expect(disk.exists(path("a"))).to.equal(true);
        expect(disk.exists(path("none"))).to.equal(false);
      });

      it("readFile and writeFile carry whole files; writeFile overwrites", () => {
        disk.writeFile(path("a"), Buffer.from("long contents"));
        disk.writeFile(path("a"), Buffer.from("short"));
        expect(disk.readFile(path("a")).toString()).to.equal("short");
        expectDiskError(() => disk.readFile(path("none")), "ENOENT", "readFile", path("none"));
      });

      it("makeDirectory makes parents and is content with what is there", () => {
        disk.makeDirectory(path("x/y/z"));
        disk.makeDirectory(path("x/y/z"));
        expect(disk.status(path("x/y/z")).isDirectory).to.equal(true);
      });

      it("rename moves files and directories and replaces a file", () => {
        disk.writeFile(path("a"), Buffer.from("new"));
        disk.writeFile(path("b"), Buffer.from("old"));
        disk.rename(path("a"), path("b"));
        expect(disk.list(subject.directory)).to.deep.equal(["b"]);
        expect(disk.readFile(path("b")).toString()).to.equal("new");
        disk.makeDirectory(path("d"));
        disk.writeFile(path("d/inner"), Buffer.from("i"));
        disk.rename(path("d"), path("e"));
        expect(disk.readFile(path("e/inner")).toString()).to.equal("i");
        expectDiskError(() => disk.rename(path("none"), path("x")), "ENOENT", "rename", path("none"));
      });

      it("link gives a file a second name", () => {
        disk.writeFile(path("a"), Buffer.from("x"));
        disk.link(path("a"), path("b"));
        disk.remove(path("a"));
        expect(disk.readFile(path("b")).toString()).to.equal("x");
        expectDiskError(() => disk.link(path("none"), path("c")), "ENOENT", "link", path("none"));
        expectDiskError(() => disk.link(path("b"), path("b")), "EEXIST", "link", path("b"));
      });

      it("removing what is not there is no error", async () => {
        disk.remove(path("none"));
        await disk.removeAsync(path("none"));
        disk.removeDirectory(path("none"));
      });

      it("removeAsync removes a file, removeDirectory a tree", async () => {
        disk.writeFile(path("a"), Buffer.from("x"));
        await disk.removeAsync(path("a"));
        disk.makeDirectory(path("d/e"));
        disk.writeFile(path("d/e/f"), Buffer.from("x"));
        disk.removeDirectory(path("d"));
        expect(disk.list(subject.directory)).to.deep.equal([]);
      });

      it("syncDirectory succeeds on a directory and fails with ENOENT on none", () => {
        disk.syncDirectory(subject.directory);
        expectDiskError(() => disk.syncDirectory(path("none")), "ENOENT", "syncDirectory", path("none"));
      });

      it("space tells free and total bytes", () => {
        const { freeBytes, totalBytes } = disk.space(subject.directory);
        expect(totalBytes).to.be.greaterThan(0);
        expect(freeBytes).to.be.within(0, totalBytes);
      });
    });

    describe("lock", () => {
      it("is exclusive until it is released, and releasing twice is harmless", () => {
        const release = disk.lock(path(".lock"));
        expect(release).to.be.a("function");
        expect(disk.lock(path(".lock"))).to.equal(null);
        const other = disk.lock(path(".lock2"));
        expect(other).to.be.a("function");
        release!();
        const again = disk.lock(path(".lock"));
        expect(again).to.be.a("function");
        release!();
        expect(disk.lock(path(".lock"))).to.equal(null);
        again!();
        other!();
      });

      it("leaves an empty file and nothing else", () => {
        const release = disk.lock(path(".lock"))!;
        expect(disk.list(subject.directory)).to.deep.equal([".lock"]);
        expect(disk.status(path(".lock")).sizeBytes).to.equal(0);
        release();
        expect(disk.list(subject.directory)).to.deep.equal([".lock"]);
      });
    });

    describe("files.ts", () => {
      it("atomicWrite creates and replaces, and leaves no temporary file", () => {
        atomicWrite(disk, path("checkpoint"), "first, the longer one");
        atomicWrite(disk, path("checkpoint"), Buffer.from("second"));
        expect(disk.readFile(path("checkpoint")).toString()).to.equal("second");
        expect(disk.list(subject.directory)).to.deep.equal(["checkpoint"]);
      });

      it("atomicWrite overwrites a longer leftover of a crash", () => {
        disk.writeFile(path("checkpoint.tmp"), Buffer.from("a leftover that is longer"));
        atomicWrite(disk, path("checkpoint"), "short");
        expect(disk.readFile(path("checkpoint")).toString()).to.equal("short");
      });

      it("readFileIfExists gives null for a missing file, and fails otherwise", () => {
        expect(readFileIfExists(disk, path("none"))).to.equal(null);
        disk.writeFile(path("a"), Buffer.from("x"));
        expect(readFileIfExists(disk, path("a"))!.toString()).to.equal("x");
        expectDiskError(() => readFileIfExists(disk, subject.directory), "EISDIR", "readFile", subject.directory);
      });

      it("makeDirectoryDurably and removeDurably do as they say", () => {
        makeDirectoryDurably(disk, path("p/q"));
        expect(disk.status(path("p/q")).isDirectory).to.equal(true);
        disk.writeFile(path("p/f"), Buffer.from("x"));
        removeDurably(disk, path("p/f"));
        removeDurably(disk, path("p/f"));
        expect(disk.list(path("p"))).to.deep.equal(["q"]);
      });
    });
  });
}

export function expectDiskError(call: () => unknown, code: string, operation: string, path: string): void {
  let caught: unknown;
  try {
    call();
  } catch (error) {
    caught = error;
  }
  expect(caught, `a DiskError ${code}`).to.be.instanceOf(DiskError);
  expect(caught).to.include({ code, operation, path });
}
