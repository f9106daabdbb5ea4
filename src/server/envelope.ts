/**
 * Runs the request in an Envelope (58) as its client's own: on the active controller, with the client's name and address (KIP-590).
 *
 * Only requests that brokers forward are taken. A controller that is not the active one, or ceases to be over the request, says so in the envelope, so that the
 * broker looks for the next one rather than the client.
 */
import type { Envelope } from "../../protocol/apis/58-envelope.ts";
import { UnsupportedVersionError } from "../../protocol/codec.ts";
import { ApiError, Errors } from "../../protocol/errors.ts";
import { DefaultPrincipalData } from "../../protocol/internal/principal.ts";
import { decodeVersioned } from "../../protocol/internal/versioned.ts";
import { MalformedError } from "../../protocol/reader.ts";
import type { RequestOf, ResponseOf } from "../../protocol/schema.ts";
import { addressText } from "../handlers/address-bytes.ts";
import type { ConnectionFacts, Principal } from "../handlers/context.ts";
import { type Dispatcher, FORWARDED_CONNECTION_ID } from "./dispatcher.ts";

type EnvelopeRequest = RequestOf<typeof Envelope>;
type EnvelopeResponse = ResponseOf<typeof Envelope>;

export interface EnvelopeModules {
  readonly dispatcher: Dispatcher;
  /** The name of the controller's listener, to which an envelope's request is taken to have come. */
  readonly listenerName: string;
  readonly isActive: () => boolean;
}

export async function runEnvelope(
  { requestData, requestPrincipal, clientHostAddress }: EnvelopeRequest,
  { dispatcher, listenerName, isActive }: EnvelopeModules,
): Promise<EnvelopeResponse> {
  if (!isActive()) return refused(Errors.NOT_CONTROLLER);
  const principal = principalOf(requestPrincipal);
  if (principal === null) return refused(Errors.PRINCIPAL_DESERIALIZATION_FAILURE);
  const client = clientFacts(principal, addressText(clientHostAddress), listenerName);
  try {
    return { responseData: await dispatcher.dispatchForwarded(requestData, client), errorCode: Errors.NONE };
  } catch (error) {
    if (error instanceof ApiError) return refused(error.code);
    throw error;
  }
}

function refused(errorCode: number): EnvelopeResponse {
  return { responseData: null, errorCode };
}

function principalOf(bytes: Buffer | null): Principal | null {
  if (bytes === null) return null;
  try {
    return decodeVersioned(DefaultPrincipalData, bytes).value;
  } catch (error) {
    if (error instanceof MalformedError || error instanceof UnsupportedVersionError) return null;
    throw error;
  }
}

/** The client's connection is the broker's; what is known of it here is this. */
function clientFacts(principal: Principal, remoteHost: string, listenerName: string): ConnectionFacts {
  return {
    id: FORWARDED_CONNECTION_ID,
    listenerName,
    listenerRole: "controller",
    securityProtocol: "PLAINTEXT",
    remoteHost,
    remotePort: 0,
    localHost: "",
    localPort: 0,
    principal,
    isClosed: false,
    clientSoftwareName: "",
    clientSoftwareVersion: "",
    brokerId: -1,
    onClosed: null,
  };
}
