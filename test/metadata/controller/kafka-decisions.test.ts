/** What the controller decides is held against what Apache Kafka 4.3.1 decided: the records of its metadata log, its answers to its own brokers. */
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { expect } from "chai";
import { AlterPartition } from "../../../protocol/apis/56-alter-partition.ts";
import { BrokerHeartbeat } from "../../../protocol/apis/63-broker-heartbeat.ts";
import { Errors } from "../../../protocol/errors.ts";
import { decodeRequest, decodeRequestHeader, decodeResponse } from "../../../protocol/frame.ts";
import { Reader } from "../../../protocol/reader.ts";
import type { Api, RequestOf, ResponseOf } from "../../../protocol/schema.ts";
import { BrokerConfig } from "../../../src/config/index.ts";
import { alterPartition } from "../../../src/metadata/controller/alter-partition.ts";
import { fenceStep, shutdownStep, unfenceStep } from "../../../src/metadata/controller/broker-steps.ts";
import { brokerHeartbeat } from "../../../src/metadata/controller/heartbeats.ts";
import type { Operation } from "../../../src/metadata/controller/operation.ts";
import { PartitionIndex } from "../../../src/metadata/controller/partition-index.ts";
import type { MetadataImage } from "../../../src/metadata/image.ts";
import { type MetadataRecord, metadataRecordCodec, record } from "../../../src/metadata/records.ts";
import { initialBootstrapRecords } from "../../../src/metadata/storage/bootstrap.ts";
import { registration, uuidOf } from "../support/controller-fixture.ts";
import { imageFromRecords, imageOf, kafkaMetadataBatches } from "../support/kafka-metadata.ts";

const modules = { config: BrokerConfig.load({ overrides: { "node.id": "9" } }) };

function decide<R>(operation: Operation<R>, image: MetadataImage) {
  return operation.decide(image, { nowMs: 0, nextOffset: image.offset + 1, epoch: 1 }, PartitionIndex.of(image));
}

describe("decisions in the metadata log of Apache Kafka 4.3.1", () => {
  /** Byte for byte, but sorted: the order of partitions within one decision is nobody's business. */
  const sorted = (records: readonly MetadataRecord[]) =>
    records.map(item => metadataRecordCodec.encode(item).toString("hex")).sort();

  for (const which of ["clean", "unclean"] as const) {
    it(`are taken alike: unfencing, controlled shutdown, fencing (${which})`, () => {
      const compared: string[] = [];
      const batches = kafkaMetadataBatches(which);
      for (const { baseOffset, records: encoded } of batches) {
        const records = encoded.map(metadataRecordCodec.decode);
        const change = records.find(({ type }) => type === "BrokerRegistrationChangeRecord");
        if (change?.type !== "BrokerRegistrationChangeRecord") continue;
        const { brokerId, brokerEpoch, fenced, inControlledShutdown } = change.value;
        const step = inControlledShutdown === 1 ? shutdownStep : fenced === 1 ? fenceStep : unfenceStep;
        if (fenced === 0 && inControlledShutdown === 0) continue;
        const operation = step({ brokerId, brokerEpoch }, modules);
        const { records: ours } = decide(operation, imageOf(batches, baseOffset));
        expect(sorted(ours), `at ${baseOffset}`).to.deep.equal(sorted(records));
        compared.push(`${operation.name} ${records.length - 1}`);
      }
      const first = ["unfence-broker 0", "controlled-shutdown 35", "fence-broker 0"];
      expect(compared).to.deep.equal(which === "clean" ? first : [...first, "unfence-broker 35"]);
    });
  }
});

describe("answers of Apache Kafka 4.3.1 to its brokers", () => {
  interface Capture {
    readonly key: number;
    readonly version: number;
    readonly requestHex: string;
    readonly responseHex: string;
  }

  /** What was asked of the active controller, and its answers. */
  function captured<A extends Api>(api: A): { request: RequestOf<A>; response: ResponseOf<A> }[] {
    const file = new URL("../../fixtures/kafka/captures/between-nodes.jsonl.gz", import.meta.url);
    const lines = gunzipSync(readFileSync(file)).toString("utf8").trim().split("\n");
    return lines
      .map(line => JSON.parse(line) as Capture)
      .filter(({ key }) => key === api.key)
      .map(({ version, requestHex, responseHex }) => {
        const reader = new Reader(Buffer.from(requestHex, "hex").subarray(4));
        decodeRequestHeader(reader);
        const request = decodeRequest(api, version, reader);
        const { body } = decodeResponse(api, version, Buffer.from(responseHex, "hex").subarray(4));
        return { request, response: body };
      })
      .filter(({ response }) => (response as { errorCode: number }).errorCode !== Errors.NOT_CONTROLLER);
  }

  const broker = (id: number, epoch: number, fenced: boolean) =>
    record("RegisterBrokerRecord", 4, {
      brokerId: id,
      isMigratingZkBroker: false,
      incarnationId: uuidOf(id),
      brokerEpoch: epoch,
      endPoints: [],
      features: registration(id).features,
      rack: null,
      fenced,
      inControlledShutdown: false,
      logDirs: [uuidOf(100 + id)],
      cordonedLogDirs: [],
    });

  /** A cluster in which the request makes sense: the sender leads alone, and where the epoch changed a move comes to its end. */
  function imageFor(
    request: RequestOf<typeof AlterPartition>,
    response: ResponseOf<typeof AlterPartition>,
  ): MetadataImage {
    const epochs = new Map([[request.brokerId, request.brokerEpoch]]);
    const records = initialBootstrapRecords().map(metadataRecordCodec.decode);
    for (const [index, { topicId, partitions }] of request.topics.entries()) {
      records.push(record("TopicRecord", 0, { topicId, name: topicId }));
      const count = Math.max(...partitions.map(({ partitionIndex }) => partitionIndex)) + 1;
      for (let number = 0; number < count; number += 1) {
        const position = partitions.findIndex(({ partitionIndex }) => partitionIndex === number);
        const proposed = partitions[position];
        for (const member of proposed?.newIsrWithEpochs ?? []) epochs.set(member.brokerId, member.brokerEpoch);
        const answered = response.topics[index]!.partitions[position];
        const replicas = [1, 2, 3];
        const isMove = (answered?.leaderEpoch ?? 0) > (proposed?.leaderEpoch ?? 0);
        const target = answered?.isr ?? [];
        records.push(
          record("PartitionRecord", 2, {
            partitionId: number,
            topicId,
            replicas,
            isr: [request.brokerId],
            removingReplicas: isMove ? replicas.filter(id => !target.includes(id)) : [],
            addingReplicas: isMove ? target.filter(id => id !== request.brokerId) : [],
            leader: request.brokerId,
            leaderRecoveryState: 0,
            leaderEpoch: proposed?.leaderEpoch ?? 0,
            partitionEpoch: proposed?.partitionEpoch ?? 0,
            directories: replicas.map(id => uuidOf(100 + id)),
            eligibleLeaderReplicas: null,
            lastKnownElr: null,
          }),
        );
      }
    }
    for (const [id, epoch] of epochs) records.push(broker(id, epoch, false));
    return imageFromRecords(records);
  }

  it("are given alike: AlterPartition", () => {
    const exchanges = captured(AlterPartition);
    for (const { request, response } of exchanges) {
      const { response: ours } = decide(alterPartition(request, modules), imageFor(request, response));
      expect(ours).to.deep.equal(response);
    }
    expect(exchanges.length).to.be.greaterThan(5);
  });

  it("are given alike: BrokerHeartbeat", () => {
    const exchanges = captured(BrokerHeartbeat);
    for (const { request, response } of exchanges) {
      const registered = broker(request.brokerId, request.brokerEpoch, true);
      const image = imageFromRecords([...initialBootstrapRecords().map(metadataRecordCodec.decode), registered]);
      const { response: ours } = decide(brokerHeartbeat(request, { isKnownEverywhere: () => true }, modules), image);
      const { isCaughtUp, isFenced, shouldShutDown } = ours;
      expect({ throttleTimeMs: 0, errorCode: 0, isCaughtUp, isFenced, shouldShutDown }).to.deep.equal(response);
    }
    expect(exchanges.length).to.be.greaterThan(4);
  });
});
