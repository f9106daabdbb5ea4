/** What is replayed of journal files, row by row. */
import { expect } from "chai";
import {
  decodeHeader,
  encodeHeader,
  FRAMES_START,
  type Frame,
  frameSizeBytes,
  readFrames,
  sealFrame,
  writeFrameHead,
} from "../../../src/log/journal/journal-format.ts";
import { type FoundJournalFile, JournalDamagedError, planReplay } from "../../../src/log/journal/replay-plan.ts";

const ID = "dGVzdC10b3BpYy1pZC0xMg";
const OTHER_ID = "dGVzdC10b3BpYy1pZC0xMw";

function frame(kind: "extent" | "void", name: string, position: number, more: Partial<Frame> = {}): Frame {
  return { kind, name, topicId: ID, baseOffset: 10, position, payloadPosition: 0, payloadBytes: 5, ...more };
}

function file(name: string, generation: number, previousFrameCount: number, frames: Frame[]): FoundJournalFile {
  return { name, header: { generation, previousFrameCount }, frames };
}

function positions(files: FoundJournalFile[], target = { topicId: ID as string | null, newestSegment: 10 }): unknown {
  const plan = planReplay(files, name => (name === "gone-0" ? null : target));
  return Object.fromEntries(
    [...plan.extents].map(([name, all]) => [name, all.map(({ frame: { position } }) => position)]),
  );
}

describe("planReplay of a journal", () => {
  it("takes generations in their order, whatever the files are called", () => {
    const files = [
      file("j.0", 8, 1, [frame("extent", "a-0", 20)]),
      file("j.1", 6, 0, [frame("extent", "a-0", 0), frame("extent", "b-0", 0)]),
      file("j.2", 7, 2, [frame("extent", "a-0", 10)]),
    ];
    expect(positions(files)).to.deep.equal({ "a-0": [0, 10, 20], "b-0": [0] });
    expect(planReplay(files, () => null).fileNames).to.deep.equal(["j.1", "j.2", "j.0"]);
  });

  it("leaves out what a later frame makes void", () => {
    const first = file("j.0", 1, 0, [frame("extent", "a-0", 0), frame("extent", "b-0", 0)]);
    const second = file("j.1", 2, 2, [frame("void", "a-0", 0), frame("extent", "a-0", 3)]);
    expect(positions([first, second])).to.deep.equal({ "a-0": [3], "b-0": [0] });
  });

  it("writes to the newest segment of a log only, and to no other topic", () => {
    const files = [
      file("j.0", 1, 0, [
        frame("extent", "a-0", 0, { baseOffset: 4 }),
        frame("extent", "a-0", 0),
        frame("extent", "b-0", 0, { topicId: OTHER_ID }),
        frame("extent", "gone-0", 0),
      ]),
    ];
    expect(positions(files)).to.deep.equal({ "a-0": [0] });
    expect(positions(files, { topicId: null, newestSegment: 10 })).to.deep.equal({ "a-0": [0], "b-0": [0] });
  });

  it("takes nothing of what stands before a missing generation: it was removed when it had done its work", () => {
    const files = [
      file("j.0", 1, 0, [frame("extent", "a-0", 0)]),
      file("j.1", 3, 7, [frame("extent", "a-0", 9)]),
      { name: "j.2", header: "unused", frames: [] } as const,
    ];
    expect(positions(files)).to.deep.equal({ "a-0": [9] });
    expect(planReplay(files, () => null).fileNames).to.deep.equal(["j.2", "j.0", "j.1"]);
  });

  it("refuses a journal in which frames are missing or a header is damaged", () => {
    const short = [file("j.0", 1, 0, [frame("extent", "a-0", 0)]), file("j.1", 2, 2, [])];
    expect(() => positions(short)).to.throw(JournalDamagedError, "j.0 holds 1 frames; j.1 says that it held 2");
    expect(() => positions([{ name: "j.0", header: "damaged", frames: [] }])).to.throw(JournalDamagedError);
  });
});

describe("journal frames", () => {
  const content = { kind: "extent", name: "a-0", topicId: ID, baseOffset: 2 ** 40 + 1, position: 77 } as const;

  function journal(generation: number, payloads: readonly string[]): Buffer {
    const bytes = Buffer.alloc(4096);
    encodeHeader({ generation, previousFrameCount: 3 }).copy(bytes);
    let position = FRAMES_START;
    for (const [sequence, text] of payloads.entries()) {
      const payload = Buffer.from(text);
      const head = writeFrameHead(bytes, position, content, { generation, sequence, payloadBytes: payload.length });
      payload.copy(bytes, head);
      sealFrame(bytes, position, head, [payload]);
      expect(head + payload.length - position).to.equal(frameSizeBytes(content, payload.length));
      position = head + payload.length;
    }
    return bytes;
  }

  it("come back as they were written", () => {
    const bytes = journal(9, ["one", "", "three"]);
    expect(decodeHeader(bytes)).to.deep.equal({ generation: 9, previousFrameCount: 3 });
    const frames = readFrames(bytes, 9);
    expect(
      frames.map(({ payloadPosition, payloadBytes }) =>
        bytes.toString("utf8", payloadPosition, payloadPosition + payloadBytes),
      ),
    ).to.deep.equal(["one", "", "three"]);
    expect(frames[0]).to.deep.include(content);
  });

  it("end where one of an earlier use of the file begins, though it is whole and of the number that is due", () => {
    const bytes = journal(9, ["one", "two"]);
    const newer = journal(10, ["ONE"]);
    newer.copy(bytes, 0, 0, FRAMES_START + frameSizeBytes(content, 3));
    expect(readFrames(bytes, 10)).to.have.length(1);
  });

  it("end at any bit that is not as it was", () => {
    const bytes = journal(9, ["one", "two", "three"]);
    const sizeBytes = frameSizeBytes(content, 3);
    for (let at = FRAMES_START + sizeBytes; at < FRAMES_START + 2 * sizeBytes; at += 1) {
      const damaged = Buffer.from(bytes);
      damaged[at]! ^= 1 << (at % 8);
      // One byte of a head is reserved and may hold anything, but is covered by the CRC like all others.
      expect(readFrames(damaged, 9), `byte ${at}`).to.have.length(1);
    }
  });

  it("are told from a file not in use and from a damaged header", () => {
    expect(decodeHeader(Buffer.alloc(FRAMES_START))).to.equal("unused");
    expect(decodeHeader(Buffer.alloc(0))).to.equal("unused");
    for (let at = 0; at < 32; at += 1) {
      const header = encodeHeader({ generation: 5, previousFrameCount: 1 });
      header[at]! ^= 0x10;
      expect(decodeHeader(header), `byte ${at}`).to.equal("damaged");
    }
  });
});
