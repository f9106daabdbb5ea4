/** What the fuzzer asks the broker before it begins. */
import { connect } from "node:net";
import { Metadata } from "../../protocol/apis/03-metadata.ts";
import { ApiVersions } from "../../protocol/apis/18-api-versions.ts";
import { decodeResponse, encodeRequest } from "../../protocol/frame.ts";
import { type Api, type RequestInputOf, type ResponseOf, ZERO_UUID } from "../../protocol/schema.ts";
import type { BrokerProcess } from "../support/broker-process.ts";

export async function askApiVersions(broker: BrokerProcess): Promise<ResponseOf<typeof ApiVersions>["apiKeys"]> {
  return (await ask(broker, ApiVersions, 0, { clientSoftwareName: "", clientSoftwareVersion: "" })).apiKeys;
}

export async function askTopicIds(broker: BrokerProcess, names: readonly string[]): Promise<string[]> {
  const body = {
    topics: names.map(name => ({ topicId: ZERO_UUID, name })),
    includeClusterAuthorizedOperations: false,
    includeTopicAuthorizedOperations: false,
  };
  return (await ask(broker, Metadata, 12, body)).topics.map(topic => topic.topicId);
}

function ask<A extends Api>(
  broker: BrokerProcess,
  api: A,
  version: number,
  body: RequestInputOf<A>,
): Promise<ResponseOf<A>> {
  return new Promise((resolve, reject) => {
    const socket = connect(broker.port, broker.host, () =>
      socket.write(Buffer.concat(encodeRequest(api, version, 1, "fuzz", body))),
    );
    let received: Buffer = Buffer.alloc(0);
    socket.on("data", chunk => {
      received = Buffer.concat([received, chunk]);
      if (received.length < 4 || received.length < 4 + received.readInt32BE(0)) return;
      socket.destroy();
      resolve(decodeResponse(api, version, received.subarray(4)).body);
    });
    socket.on("error", reject);
  });
}
