/**
 * Heartbeat (12): a member of a classic group is alive, and is told when to join again.
 *
 * - v3: static members (KIP-345).
 */
import { Heartbeat } from "../../protocol/apis/12-heartbeat.ts";
import { handler } from "./handler.ts";

export const heartbeat = handler(
  Heartbeat,
  (request, context) => {
    const errorCode = context.groups.heartbeat(request);
    return errorCode instanceof Promise ? errorCode.then(answer) : answer(errorCode);
  },
  (_request, errorCode) => answer(errorCode),
);

function answer(errorCode: number) {
  return { throttleTimeMs: 0, errorCode };
}
