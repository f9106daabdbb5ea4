/**
 * A share or streams group in the log: known by name, so that nobody takes its id, and kept as it is. Its own coordinator is not built yet.
 */
export class ForeignGroup {
  readonly kind: "share" | "streams";
  readonly groupId: string;
  readonly #members = new Set<string>();

  constructor(kind: "share" | "streams", groupId: string) {
    this.kind = kind;
    this.groupId = groupId;
  }

  get isEmpty(): boolean {
    return this.#members.size === 0;
  }

  get state(): "Empty" | "Stable" {
    return this.isEmpty ? "Empty" : "Stable";
  }

  putMember(memberId: string): void {
    this.#members.add(memberId);
  }

  removeMember(memberId: string): void {
    this.#members.delete(memberId);
  }

  close(): void {}
}
