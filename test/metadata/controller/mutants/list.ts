/** Changes to the controller's rules that break them, each of which the tests beside have to notice. */

export interface Mutant {
  readonly name: string;
  readonly file: string;
  /** Must occur exactly once. */
  readonly find: string;
  readonly replacement: string;
}

const room = (name: string) => `src/metadata/controller/${name}.ts`;
const CHANGE = room("partition-change");
const RULES = room("partition-rules");
const MEMBERS = room("memberships");
const STEPS = room("broker-steps");
const ALTER = room("alter-partition");
const BROKERS = room("brokers");
const HEARTBEATS = room("heartbeats");
const SESSIONS = room("broker-sessions");
const MOVES = room("reassignments");
const INDEX = room("partition-index");

export const mutants: readonly Mutant[] = [
  {
    name: "an eligible replica is elected while somebody is in sync",
    file: CHANGE,
    find: "(isr.length === 0 ? draft.eligible : isr).includes(id)",
    replacement: "[...isr, ...draft.eligible].includes(id)",
  },
  {
    name: "a leader need not be in sync",
    file: CHANGE,
    find: "(isr.length === 0 ? draft.eligible : isr).includes(id) && isAlive(id)",
    replacement: "isAlive(id)",
  },
  {
    name: "eligible replicas stay when the minimum is reached again",
    file: CHANGE,
    find: "if (draft.isr.length >= minimum || (!rules.hasElr && draft.isr.length > 0)) draft.eligible = [];",
    replacement: "",
  },
  {
    name: "who was in sync last is not eligible",
    file: CHANGE,
    find: "new Set([...draft.eligible, ...draft.partition.isr])",
    replacement: "new Set(draft.eligible)",
  },
  {
    name: "who may have lost records stays eligible",
    file: CHANGE,
    find: " && !draft.lossy.includes(id))",
    replacement: ")",
  },
  {
    name: "a leader from the ELR keeps the others eligible, though one is enough",
    file: CHANGE,
    find: "minimumOf(draft, rules) > 1 ? without(draft.eligible, [leader]) : []",
    replacement: "without(draft.eligible, [leader])",
  },
  {
    name: "an unclean leader keeps the old ISR",
    file: CHANGE,
    find: "  draft.isr = [found];\n",
    replacement: "  draft.isr = [...isr, found];\n",
  },
  {
    name: "an unclean leader is not marked as recovering",
    file: CHANGE,
    find: "  if (only === undefined) draft.leaderRecoveryState = RECOVERING;\n",
    replacement: "",
  },
  {
    name: "elections are unclean without being asked",
    file: CHANGE,
    find: 'election === "unclean" ? [...lastKnown',
    replacement: "isr.length === 0 ? [...lastKnown",
  },
  {
    name: "the last known leader is elected by itself",
    file: CHANGE,
    find: "const found = only ?? unclean;",
    replacement: "const found = only ?? unclean ?? lastKnown.find(isAlive);",
  },
  {
    name: "the leader epoch stays when replicas go",
    file: CHANGE,
    find: "  else if (!partition.replicas.every(id => draft.replicas.includes(id))) change.leader = partition.leader;\n",
    replacement: "",
  },
  {
    name: "a reassignment is complete with the first new replica in sync",
    file: CHANGE,
    find: "!replicas.every(id => isr.includes(id))",
    replacement: "!replicas.some(id => isr.includes(id))",
  },
  {
    name: "replicas that are being added count to the minimum",
    file: CHANGE,
    find: "replicas.length - addingReplicas.length",
    replacement: "replicas.length - 0 * addingReplicas.length",
  },
  {
    name: "a replica without a log directory may lead",
    file: RULES,
    find: "isActive(image, brokerId) && isOnline(directory, registration.logDirs)",
    replacement: "isActive(image, brokerId)",
  },
  {
    name: "a fenced broker may lead",
    file: RULES,
    find: "isActive(image, brokerId) && isOnline(directory, registration.logDirs)",
    replacement: "isOnline(directory, registration.logDirs)",
  },
  {
    name: "fencing forgets partitions that are only followed",
    file: MEMBERS,
    find: "    if (!led.has(topicId, number)) leave(topicId, number);\n",
    replacement: "",
  },
  {
    name: "a lost directory is not noticed",
    file: MEMBERS,
    find: "const isGone = !logDirs.includes(directory) && (mayBeGone || !isOnline(directory, logDirs));",
    replacement: "const isGone = false && mayBeGone;",
  },
  {
    name: "an unclean stop is not noticed",
    file: MEMBERS,
    find: "(isClean || !changer.settings.isWriteCached(topic.name))",
    replacement: "(isClean || !changer.settings.isWriteCached(topic.name) || true)",
  },
  {
    name: "only the ISR is searched for what was lost",
    file: MEMBERS,
    find: "[index.inElrOf.of(brokerId), index.inIsrOf.of(brokerId)]",
    replacement: "[index.inIsrOf.of(brokerId)]",
  },
  {
    name: "unfencing elects nobody",
    file: STEPS,
    find: "const changes = electForLeaderless(before.id, context);",
    replacement: "const changes = electForLeaderless(before.id, { ...context, limit: 0 });",
  },
  {
    name: "a broker that shuts down stays in sync",
    file: STEPS,
    find: "const after = { ...before, inControlledShutdown: true };",
    replacement: "const after = { ...before };",
  },
  {
    name: "a step leaves out what is beyond its limit",
    file: STEPS,
    find: "return changes.length < limitOf(modules);",
    replacement: "return changes.length <= limitOf(modules);",
  },
  {
    name: "AlterPartition takes an old leader epoch",
    file: ALTER,
    find: "  if (leaderEpoch < partition.leaderEpoch) return Errors.FENCED_LEADER_EPOCH;\n",
    replacement: "",
  },
  {
    name: "AlterPartition takes an old partition epoch",
    file: ALTER,
    find: "  if (partitionEpoch < partition.partitionEpoch) return Errors.INVALID_UPDATE_VERSION;\n",
    replacement: "",
  },
  {
    name: "AlterPartition takes anybody's word",
    file: ALTER,
    find: "  if (brokerId !== partition.leader) return Errors.INVALID_REQUEST;\n",
    replacement: "",
  },
  {
    name: "AlterPartition takes an earlier process's word",
    file: ALTER,
    find: "      checkBrokerEpoch(image, request.brokerId, request.brokerEpoch);\n",
    replacement: "",
  },
  {
    name: "AlterPartition takes an ISR without the leader",
    file: ALTER,
    find: "  if (!ids.has(partition.leader)) return Errors.INVALID_REQUEST;\n",
    replacement: "",
  },
  {
    name: "AlterPartition takes brokers without a replica",
    file: ALTER,
    find: " || !members.every(member => partition.replicas.includes(member.brokerId))",
    replacement: "",
  },
  {
    name: "AlterPartition takes fenced brokers in",
    file: ALTER,
    find: "if (broker === undefined || broker.fenced || broker.inControlledShutdown) return false;",
    replacement: "if (broker === undefined || broker.inControlledShutdown) return false;",
  },
  {
    name: "AlterPartition takes brokers in that shut down",
    file: ALTER,
    find: "if (broker === undefined || broker.fenced || broker.inControlledShutdown) return false;",
    replacement: "if (broker === undefined || broker.fenced) return false;",
  },
  {
    name: "AlterPartition takes earlier processes in (KIP-903)",
    file: ALTER,
    find: "return brokerEpoch === -1 || brokerEpoch === broker.epoch;",
    replacement: "return brokerEpoch <= broker.epoch;",
  },
  {
    name: "a second process is registered beside the first",
    file: BROKERS,
    find: " && options.isRunning(before)) {",
    replacement: " && options.isRunning(before) && false) {",
  },
  {
    name: "a new process keeps the epoch of the one before",
    file: BROKERS,
    find: "const isSameProcess = before?.incarnationId === request.incarnationId;",
    replacement: 'const isSameProcess = before !== undefined && request.incarnationId !== "";',
  },
  {
    name: "a broker is unfenced before it has caught up",
    file: HEARTBEATS,
    find: "!wantFence && currentMetadataOffset >= broker.epoch ?",
    replacement: "!wantFence && currentMetadataOffset >= -1 ?",
  },
  {
    name: "a broker may stop before the others have heard of it",
    file: HEARTBEATS,
    find: 'facts.isKnownEverywhere() ? "stop" : "none"',
    replacement: '"stop"',
  },
  {
    name: "sessions do not end",
    file: SESSIONS,
    find: "    for (const id of expired) this.#modules.onExpired(id);\n",
    replacement: "",
  },
  {
    name: "a move is taken back though nobody in sync would be left",
    file: MOVES,
    find: "if (isUnclean && !changer.settings.allowsUncleanElection(topic.name)) {",
    replacement: 'if (isUnclean && topic.name === "") {',
  },
  {
    name: "a second target forgets which replicas were new",
    file: MOVES,
    find: "const settled = without(partition.replicas, partition.addingReplicas);",
    replacement: "const settled = partition.replicas;",
  },
  {
    name: "the index keeps a broker in the ISRs it left",
    file: INDEX,
    find: "    for (const id of partition.isr) this.inIsrOf.delete(id, topicId, number);\n",
    replacement: "",
  },
  {
    name: "the index forgets partitions without a leader",
    file: INDEX,
    find: "if (leader === NO_LEADER) this.leaderless.add(topicId, number);",
    replacement: "if (leader === NO_LEADER) this.leaderless.delete(topicId, number);",
  },
];
