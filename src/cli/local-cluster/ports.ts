/** Ports for the nodes of a local cluster. */
import { once } from "node:events";
import { createServer } from "node:net";
import { CliFailure } from "../../client/failure.ts";

export interface NodePorts {
  readonly port: number;
  readonly controllerPort: number;
}

/** A node's controller listens so far above its clients' port. */
const CONTROLLER_PORT_DISTANCE = 10_000;
const HIGHEST_PORT = 65_535;

/** The lowest ports from `first` on that are free, each with the one for the controller. Throws a failure when there are not enough. */
export async function freePorts(host: string, first: number, count: number): Promise<NodePorts[]> {
  const found: NodePorts[] = [];
  for (let port = first; port + CONTROLLER_PORT_DISTANCE <= HIGHEST_PORT && found.length < count; port++) {
    const controllerPort = port + CONTROLLER_PORT_DISTANCE;
    if ((await isFree(host, port)) && (await isFree(host, controllerPort))) found.push({ port, controllerPort });
  }
  if (found.length === count) return found;
  throw new CliFailure(`There are not ${count} pairs of free ports from ${first} on.`, {
    advice: "--port names another port to begin with.",
  });
}

async function isFree(host: string, port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, host);
    await once(server, "listening");
    server.close();
    await once(server, "close");
    return true;
  } catch {
    return false;
  }
}
