/** Addresses as Java's `InetAddress` has them: 4 or 16 bytes. */

const NOWHERE = Buffer.alloc(4);
const IPV4_IN_IPV6 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;

/** The bytes of an address in text; four zeros for what is none. */
export function addressBytes(text: string): Buffer {
  const [address = ""] = text.split("%");
  const ipv4 = IPV4_IN_IPV6.exec(address)?.[1] ?? address;
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(ipv4)) return Buffer.from(ipv4.split(".").map(Number));
  return ipv6Bytes(address) ?? NOWHERE;
}

/** The text of an address in bytes; empty for what is none. */
export function addressText(bytes: Buffer): string {
  if (bytes.length === 4) return [...bytes].join(".");
  if (bytes.length !== 16) return "";
  return Array.from({ length: 8 }, (_one, index) => bytes.readUInt16BE(index * 2).toString(16)).join(":");
}

function ipv6Bytes(text: string): Buffer | null {
  const halves = text.split("::");
  if (!/^[0-9a-fA-F:]+$/.test(text) || halves.length > 2) return null;
  const groups = halves.map(half => (half === "" ? [] : half.split(":")));
  const [head = [], tail = []] = groups;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return null;
  const all = [...head, ...Array<string>(halves.length === 1 ? 0 : missing).fill("0"), ...tail];
  if (all.some(group => group === "" || group.length > 4)) return null;
  const bytes = Buffer.alloc(16);
  for (const [index, group] of all.entries()) bytes.writeUInt16BE(Number.parseInt(group, 16), index * 2);
  return bytes;
}
