/** The public face of the rpc room. */
export { type AnswerBuffers, AnswerMemory } from "./answer-memory.ts";
export { commonVersion, type SupportedVersions } from "./api-versions.ts";
export {
  type RequestOptions,
  RpcClient,
  type RpcClientModules,
  type RpcClientOptions,
  type RpcObserver,
} from "./rpc-client.ts";
export { RpcConnection, type RpcConnectionOptions, type RpcModules, type SendOptions } from "./rpc-connection.ts";
export { RpcError, type RpcErrorCode } from "./rpc-error.ts";
