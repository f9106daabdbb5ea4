/** Handlers of what brokers and controllers ask of the active controller on their own account. */
import type { Api, RequestOf, ResponseInputOf } from "../../protocol/schema.ts";
import type { ControllerApi } from "../metadata/controller-apis.ts";
import { type Handler, handler } from "./handler.ts";

/**
 * Serves a row of the controller's APIs on the controller listener; NOT_CONTROLLER where this node is not the active one.
 *
 * @param brokerOf the broker that speaks for itself over this connection, where a request says so: its death closes the connection
 */
export function controllerHandler<A extends Api>(
  { api, handle, failed }: ControllerApi<A>,
  brokerOf?: (request: RequestOf<A>) => number,
): Handler<A> {
  return handler(
    api,
    // Every decoded value is one that can be encoded, which the type checker cannot see for all APIs at once.
    async (request, context) => {
      if (brokerOf !== undefined) {
        context.connection.brokerId = brokerOf(request);
        context.controller.brokerSpeaks(context.connection.brokerId, context.connection.clientSoftwareName);
      }
      return (await handle(context.controller, request)) as unknown as ResponseInputOf<A>;
    },
    (request, errorCode, message) => failed(request, errorCode, message) as unknown as ResponseInputOf<A>,
    { listeners: ["controller"] },
  );
}
