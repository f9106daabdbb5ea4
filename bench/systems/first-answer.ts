/** Waits for a starting broker's first answer to ApiVersions, asked over and over on fresh connections. */
import { connect } from "node:net";
import { ApiVersions } from "../../protocol/apis/18-api-versions.ts";
import { encodeRequest } from "../../protocol/frame.ts";

const RETRY_MS = 2;

export async function firstAnswer(
  host: string,
  port: number,
  timeoutMs: number,
  isAlive: () => boolean,
): Promise<void> {
  const question = Buffer.concat(
    encodeRequest(ApiVersions, 0, 1, "bench", { clientSoftwareName: "", clientSoftwareVersion: "" }),
  );
  const deadline = performance.now() + timeoutMs;
  while (!(await answers(host, port, question))) {
    if (!isAlive()) throw new Error("the broker exited while starting");
    if (performance.now() > deadline) throw new Error(`the broker gave no answer within ${timeoutMs} ms`);
    await new Promise(resolve => setTimeout(resolve, RETRY_MS));
  }
}

function answers(host: string, port: number, question: Buffer): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, host, () => socket.write(question));
    socket.once("data", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("close", () => resolve(false));
    socket.on("error", () => resolve(false));
  });
}
