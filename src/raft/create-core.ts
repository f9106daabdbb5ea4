/** Makes the core of a quorum member from what its driver was given. */
import type { Random } from "../platform/platform.ts";
import { RaftCore } from "./core.ts";
import type { RaftDriverOptions } from "./driver-modules.ts";
import { ElectionTiming } from "./election-timing.ts";
import type { QuorumLog } from "./quorum-log.ts";
import type { QuorumState } from "./quorum-state.ts";
import { type StaticVoter, VoterSet } from "./voter-set.ts";

export function createCore(
  options: RaftDriverOptions,
  stored: QuorumState | null,
  { log, random }: { readonly log: QuorumLog; readonly random: Random },
): RaftCore {
  const { nodeId: id, directoryId, listenerName, endpoints, bootstrapServers, autoJoin, timeouts } = options;
  return new RaftCore(
    {
      self: { id, directoryId },
      endpoints,
      listenerName,
      staticVoters: VoterSet.ofStatic(staticVoters(options), listenerName),
      hasBootstrapServers: bootstrapServers.length > 0,
      autoJoin,
    },
    { log: log.view(), quorum: log.quorum, timing: new ElectionTiming(timeouts, { random }) },
    stored,
  );
}

/** A controller that is told of no others, and whose log names none, is the quorum. */
function staticVoters({
  staticVoters,
  bootstrapServers,
  endpoints,
  nodeId,
}: RaftDriverOptions): readonly StaticVoter[] {
  const [endpoint] = endpoints;
  if (staticVoters.length > 0 || bootstrapServers.length > 0 || endpoint === undefined) return staticVoters;
  return [{ id: nodeId, host: endpoint.host, port: endpoint.port }];
}
