/** A running hash that is its own state. */
export function mix(hash: string, value: string): string {
  let state = Number.parseInt(hash, 36) >>> 0;
  for (let index = 0; index < value.length; index += 1)
    state = Math.imul(state ^ value.charCodeAt(index), 0x01000193) >>> 0;
  return ((state + 0x9e3779b9) >>> 0).toString(36);
}
