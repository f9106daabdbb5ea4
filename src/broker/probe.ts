/** Looks whether somebody listens at an endpoint: the controller's way to tell a broker that has died from a connection that was lost. */
import type { Network, Timers } from "../platform/platform.ts";

export interface ProbeModules {
  readonly network: Network;
  readonly timers: Timers;
}

/** A port that does not answer in this time is not refused: whoever is behind it may only be slow, or cut off. */
const CONNECT_LIMIT_MS = 1_000;
/** A process that is being ended may still accept; its connections close at once. */
const SETTLE_MS = 20;
const MAX_ATTEMPTS = 3;

/** False only when connections are refused: the machine lives, and no process of it listens there. */
export async function isListening(
  { host, port }: { readonly host: string; readonly port: number },
  modules: ProbeModules,
): Promise<boolean> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const outcome = await connectOnce(host, port, modules);
    if (outcome !== "closed") return outcome === "open";
  }
  return true;
}

async function connectOnce(
  host: string,
  port: number,
  { network, timers }: ProbeModules,
): Promise<"open" | "refused" | "closed"> {
  const connecting = network.connect(host, port, { timeoutMs: CONNECT_LIMIT_MS });
  let connection: Awaited<typeof connecting>;
  try {
    connection = await connecting;
  } catch (error) {
    return (error as { code?: string }).code === "ECONNREFUSED" ? "refused" : "open";
  }
  return new Promise(resolve => {
    const timer = timers.after(SETTLE_MS, () => {
      resolve("open");
      connection.destroy();
    });
    connection.start({
      buffer: () => DISCARDED,
      received: () => {},
      drained: () => {},
      closed: () => {
        timer.clear();
        resolve("closed");
      },
    });
  });
}

/** Nobody speaks before it is spoken to. */
const DISCARDED = Buffer.alloc(64);
