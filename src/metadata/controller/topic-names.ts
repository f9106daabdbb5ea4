/**
 * Which names a topic may have.
 */

export const MAX_TOPIC_NAME_SIZE = 249;

const LEGAL_NAME = /^[a-zA-Z0-9._-]+$/;

/** Why `name` cannot be a topic's name, or null when it can. */
export function validateTopicName(name: string): string | null {
  if (name === "") return "Topic name is invalid: the empty string is not allowed.";
  if (name === "." || name === "..") return "Topic name is invalid: it cannot be '.' or '..'.";
  if (name.length > MAX_TOPIC_NAME_SIZE) {
    return `Topic name is invalid: it has ${name.length} characters, at most ${MAX_TOPIC_NAME_SIZE} are allowed.`;
  }
  if (!LEGAL_NAME.test(name)) {
    return `Topic name is invalid: '${printable(name)}' has characters other than ASCII letters, digits, '.', '_' and '-'.`;
  }
  return null;
}

/** Names that differ only in '.' and '_' share this: their metrics could not be told apart. */
export function collisionKey(name: string): string {
  return name.replaceAll(".", "_");
}

/** Whether a name can collide with another one at all. */
export function mayCollide(name: string): boolean {
  return name.includes(".") || name.includes("_");
}

function printable(name: string): string {
  return JSON.stringify(name).slice(1, -1);
}
