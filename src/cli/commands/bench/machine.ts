/** The machine that figures were measured on, for the reader to compare with. */
import { cpus, platform, release, totalmem } from "node:os";

/** `2 × AMD EPYC, 23 GiB, linux 6.1, Node 24.21.0` */
export function machineDescription(): string {
  const model = cpus()[0]?.model.trim() ?? "unknown processor";
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  return `${cpus().length} × ${model}, ${memory}, ${platform()} ${release()}, Node ${process.versions.node}`;
}
