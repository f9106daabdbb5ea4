import { expect } from "chai";
import { decodeMetadataRecord } from "../../../protocol/internal/metadata-record.ts";
import { memoryLogger } from "../../../src/logging/index.ts";
import { encodeBootstrap, initialBootstrapRecords, initialLevels } from "../../../src/metadata/storage/bootstrap.ts";
import { FEATURES } from "../../../src/metadata/storage/feature-levels.ts";
import { formatMetaProperties } from "../../../src/metadata/storage/meta-properties.ts";
import { openStorage, type Storage, StorageError, type StorageOptions } from "../../../src/metadata/storage/storage.ts";
import { MemoryDisk } from "../../../src/platform/memory-disk.ts";
import { KEEP_ALL, randomSurvival } from "../../../src/platform/memory-disk-crash.ts";
import { SeededRandom } from "../../../src/platform/memory-random.ts";
import { decodeBatches } from "../../../src/raft/batches.ts";
import { readSnapshotFile } from "../../../src/raft/snapshot-file.ts";
import { kafkaFile } from "../../raft/support/kafka-files.ts";

const FIRST_CHECKPOINT = "__cluster_metadata-0/00000000000000000000-0000000000.checkpoint";
const CLUSTER = "MkU3OEVBNTcwNTJENDM2Qg";
const ENDPOINTS = [{ name: "CONTROLLER", host: "127.0.0.1", port: 29193 }];
const OPTIONS: StorageOptions = {
  directories: ["/data"],
  metadataDirectory: null,
  nodeId: 1,
  clusterId: null,
  endpoints: ENDPOINTS,
  formatIfNew: true,
};

function open(disk: MemoryDisk, options: Partial<StorageOptions> = {}, times: number[] = []): Storage {
  const clock = { now: () => times.shift() ?? 1_795_231_214_000 };
  return openStorage(
    { ...OPTIONS, ...options },
    { disk, clock, random: new SeededRandom(`${disk.operationCount()}`), logger: memoryLogger() },
  );
}

function errorOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    expect(error).to.be.instanceOf(StorageError);
    return (error as Error).message;
  }
  throw new Error("nothing was thrown");
}

/** All files by path, to see that nothing changed. */
function contentsOf(disk: MemoryDisk, path: string): Record<string, string> {
  const files: Record<string, string> = {};
  for (const name of disk.list(path)) {
    const inner = `${path}/${name}`;
    if (name === ".lock") continue;
    if (disk.status(inner).isDirectory) Object.assign(files, contentsOf(disk, inner));
    else files[inner] = disk.readFile(inner).toString("hex");
  }
  return files;
}

describe("formatting", () => {
  it("writes what kafka-storage format --standalone writes", () => {
    const disk = new MemoryDisk();
    const checkpoint = kafkaFile(FIRST_CHECKPOINT);
    const [header, footer] = [...decodeBatches(checkpoint)];
    const lastContained = 0x1a1fc1e6c3a;
    const storage = open(disk, { clusterId: CLUSTER }, [
      lastContained,
      header?.appendTimeMs as number,
      footer?.appendTimeMs as number,
    ]);
    const ours = readSnapshotFile(disk, "/data/__cluster_metadata-0", { endOffset: 0, epoch: 0 });
    expect(ours.facts.voters?.[0]?.voterDirectoryId).to.equal(storage.directories[0]?.directoryId);
    const bytes = disk.readFile(`/data/${FIRST_CHECKPOINT}`);
    // Kafka's bytes, with the random directory id, and hence the checksum, put in.
    const position = checkpoint.indexOf(Buffer.from("2aHNE4QsTH6H_zIW2AfPkQ", "base64url"));
    Buffer.from(storage.directories[0]?.directoryId as string, "base64url").copy(checkpoint, position);
    bytes.copy(checkpoint, 17, 17, 21);
    expect(bytes.equals(checkpoint)).to.equal(true);
  });

  it("writes Kafka's bootstrap.checkpoint byte for byte, given Kafka's levels", () => {
    const kafka = kafkaFile("bootstrap.checkpoint");
    const times = [...decodeBatches(kafka)].map(batch => batch.appendTimeMs);
    const records = initialBootstrapRecords(initialLevels().set("transaction.version", 2));
    const clock = { now: () => times.shift() as number };
    expect(encodeBootstrap(records, { clock }).equals(kafka)).to.equal(true);
  });

  it("starts a cluster at the levels of the table", () => {
    const storage = open(new MemoryDisk());
    const levels = storage.bootstrapRecords().map(bytes => decodeMetadataRecord(bytes).value);
    expect(levels).to.deep.equal(FEATURES.map(({ name, initialLevel }) => ({ name, featureLevel: initialLevel })));
  });

  it("makes ids anew for each cluster and directory", () => {
    const disk = new MemoryDisk();
    const storage = open(disk, { directories: ["/a", "/b", "/c"] });
    const ids = storage.directories.map(directory => directory.directoryId);
    expect(new Set([...ids, storage.clusterId]).size).to.equal(4);
    expect(storage.isNew).to.equal(true);
    expect(storage.metadataLogDirectory).to.equal("/a/__cluster_metadata-0");
    expect(disk.exists("/b/bootstrap.checkpoint")).to.equal(true);
    expect(disk.exists("/b/__cluster_metadata-0")).to.equal(false);
  });

  it("keeps the metadata log apart when configured so", () => {
    const disk = new MemoryDisk();
    const storage = open(disk, { directories: ["/a", "/b"], metadataDirectory: "/meta" });
    expect(storage.metadataLogDirectory).to.equal("/meta/__cluster_metadata-0");
    expect(storage.directories.map(directory => directory.path)).to.deep.equal(["/a", "/b"]);
    expect(storage.metadataDirectory.path).to.equal("/meta");
  });

  it("takes the cluster id that is configured", () => {
    expect(open(new MemoryDisk(), { clusterId: CLUSTER }).clusterId).to.equal(CLUSTER);
  });

  it("is left to the operator when not allowed", () => {
    const disk = new MemoryDisk();
    expect(errorOf(() => open(disk, { formatIfNew: false }))).to.contain("does not exist");
    disk.makeDirectory("/data");
    expect(errorOf(() => open(disk, { formatIfNew: false }))).to.contain("not been formatted");
    expect(contentsOf(disk, "/data")).to.deep.equal({});
  });

  it("cut off by a crash anywhere is done over, or done", () => {
    const disk = new MemoryDisk();
    const random = new SeededRandom(11);
    const survivors: MemoryDisk[] = [];
    disk.onOperation = () => {
      survivors.push(disk.survivor(), disk.survivor(KEEP_ALL), disk.survivor(randomSurvival(random)));
    };
    open(disk, { directories: ["/a", "/b"] });
    disk.onOperation = null;
    expect(survivors.length).to.be.greaterThan(60);
    const finished = contentsOf(open2(disk.survivor()), "/a");
    for (const survivor of survivors) {
      const storage = open(survivor, { directories: ["/a", "/b"] });
      expect(storage.bootstrapRecords().length).to.equal(6);
      const { facts } = readSnapshotFile(survivor, storage.metadataLogDirectory, { endOffset: 0, epoch: 0 });
      expect(facts.voters?.[0]?.voterDirectoryId).to.equal(storage.metadataDirectory.directoryId);
      expect(Object.keys(contentsOf(survivor, "/a"))).to.include.members(Object.keys(finished));
      storage.close();
    }

    function open2(survivor: MemoryDisk): MemoryDisk {
      open(survivor, { directories: ["/a", "/b"] }).close();
      return survivor;
    }
  });
});

describe("opening log directories", () => {
  function formatted(directories: string[] = ["/data"]): MemoryDisk {
    const disk = new MemoryDisk();
    open(disk, { directories, clusterId: CLUSTER }).close();
    return disk;
  }

  it("a second time changes nothing", () => {
    const disk = formatted(["/a", "/b"]);
    const before = contentsOf(disk, "/");
    const storage = open(disk, { directories: ["/a", "/b"] });
    expect(storage.isNew).to.equal(false);
    expect(storage.clusterId).to.equal(CLUSTER);
    expect(contentsOf(disk, "/")).to.deep.equal(before);
  });

  it("that Kafka formatted", () => {
    const disk = new MemoryDisk();
    disk.makeDirectory("/data/__cluster_metadata-0");
    for (const path of ["meta.properties", "bootstrap.checkpoint", FIRST_CHECKPOINT]) {
      disk.writeFile(`/data/${path}`, kafkaFile(path));
    }
    const storage = open(disk);
    expect(storage.clusterId).to.equal(CLUSTER);
    expect(storage.directories).to.deep.equal([{ path: "/data", directoryId: "2aHNE4QsTH6H_zIW2AfPkQ" }]);
    const levels = storage.bootstrapRecords().map(bytes => decodeMetadataRecord(bytes).value);
    expect(levels).to.deep.include({ name: "transaction.version", featureLevel: 2 });
  });

  it("adds a new directory beside those in use", () => {
    const disk = formatted(["/a"]);
    const storage = open(disk, { directories: ["/a", "/new"] });
    expect(disk.readFile("/new/meta.properties").toString()).to.contain(`cluster.id=${CLUSTER}`);
    expect(storage.directories.length).to.equal(2);
  });

  it("gives an id to a directory from before there were any", () => {
    const disk = formatted();
    const old = formatMetaProperties({ clusterId: CLUSTER, nodeId: 1, directoryId: null }, 0);
    disk.writeFile("/data/meta.properties", Buffer.from(old));
    const id = open(disk).directories[0]?.directoryId;
    expect(disk.readFile("/data/meta.properties").toString()).to.contain(`directory.id=${id}`);
  });

  const refusals: Record<string, [(disk: MemoryDisk) => Partial<StorageOptions>, string]> = {
    "of another node": [() => ({ nodeId: 2 }), "belongs to node 1, but this is node 2"],
    "of another cluster": [() => ({ clusterId: "AnotherClusterId123456" }), `belongs to cluster ${CLUSTER}`],
    "of two clusters": [
      disk => {
        open(disk, { directories: ["/b"], clusterId: "AnotherClusterId123456" }).close();
        disk.remove("/b/__cluster_metadata-0/00000000000000000000-0000000000.checkpoint");
        disk.removeDirectory("/b/__cluster_metadata-0");
        return { directories: ["/data", "/b"] };
      },
      "belongs to cluster AnotherClusterId123456",
    ],
    "with something in it but no meta.properties": [
      disk => {
        disk.makeDirectory("/b/orders-0");
        return { directories: ["/data", "/b"] };
      },
      "/b is not empty and has no meta.properties",
    ],
    "that lost its meta.properties after it was used": [
      disk => {
        disk.writeFile("/data/__cluster_metadata-0/00000000000000000000.log", Buffer.from("records"));
        disk.remove("/data/meta.properties");
        return {};
      },
      "/data is not empty and has no meta.properties",
    ],
    "of which the metadata directory is new while another is not": [
      () => ({ directories: ["/new", "/data"] }),
      "/data holds a metadata log, but the metadata log directory is /new",
    ],
    "of which the metadata directory was replaced": [
      disk => {
        open(disk, { directories: ["/data", "/b"] }).close();
        disk.removeDirectory("/data");
        return { directories: ["/data", "/b"] };
      },
      "/data is to hold the metadata log but is new, while /b is in use already",
    ],
    "that are copies of each other": [
      disk => {
        disk.makeDirectory("/b");
        disk.writeFile("/b/meta.properties", disk.readFile("/data/meta.properties"));
        return { directories: ["/data", "/b"] };
      },
      "have the same directory.id",
    ],
    "named twice": [() => ({ directories: ["/data", "/data"] }), "names a directory twice"],
    "of which there are none": [() => ({ directories: [] }), "no log directory"],
    "that is a file": [
      disk => {
        disk.writeFile("/file", Buffer.from("x"));
        return { directories: ["/file"] };
      },
      "/file is not a directory",
    ],
    "whose meta.properties is damaged": [
      disk => {
        disk.writeFile("/data/meta.properties", Buffer.from("version=1\n"));
        return {};
      },
      "cluster.id is missing",
    ],
  };
  for (const [what, [prepare, message]] of Object.entries(refusals)) {
    it(`refuses one ${what}, and changes nothing`, () => {
      const disk = formatted();
      const options = prepare(disk);
      const before = contentsOf(disk, "/");
      expect(errorOf(() => open(disk, options))).to.contain(message);
      expect(contentsOf(disk, "/")).to.deep.equal(before);
      expect(disk.lock("/data/.lock"), "lock released").not.to.equal(null);
    });
  }

  it("refuses one that is in use, until it is closed", () => {
    const disk = formatted();
    const storage = open(disk);
    expect(errorOf(() => open(disk))).to.contain("in use by another process");
    storage.close();
    open(disk).close();
  });
});

describe("a log directory that cannot be used at a start", () => {
  const both = { directories: ["/data", "/b"] };

  it("is left out where the node ran before, and the others go on", () => {
    const disk = new MemoryDisk();
    const first = open(disk, both);
    const ids = first.directories.map(({ directoryId }) => directoryId);
    first.close();
    const removeFault = disk.addFault({ operation: "readFile", path: "/b/", code: "EIO" });
    const second = open(disk, both);
    expect(second.directories).to.deep.equal([{ path: "/data", directoryId: ids[0] }]);
    expect([...second.unusable.keys()]).to.deep.equal(["/b"]);
    second.close();
    removeFault();
    const third = open(disk, both);
    expect(third.directories.map(({ directoryId }) => directoryId)).to.deep.equal(ids);
    third.close();
  });

  it("is left out when it is a file, too, but a new node is not begun without it, nor any without its metadata", () => {
    const disk = new MemoryDisk();
    disk.writeFile("/b", Buffer.from("x"));
    expect(errorOf(() => open(disk, both))).to.include("/b is not a directory");
    open(disk).close();
    const storage = open(disk, both);
    expect(storage.directories.map(({ path }) => path)).to.deep.equal(["/data"]);
    storage.close();
    disk.addFault({ operation: "readFile", path: "/data/", code: "EIO" });
    expect(() => open(disk, both)).to.throw("EIO");
  });
});
