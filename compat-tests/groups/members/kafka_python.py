"""A member of a group by kafka-python: see member-process.ts for what it is told and what it prints."""

import json
import sys
import threading

from kafka import ConsumerRebalanceListener, KafkaConsumer, OffsetAndMetadata
from kafka.errors import KafkaError

POLL_MS = 100
BATCH_RECORDS = 50


def say(event, **facts):
    sys.stdout.write(json.dumps({"event": event, **facts}) + "\n")
    sys.stdout.flush()


class Listener(ConsumerRebalanceListener):
    def __init__(self):
        self.owned = set()

    def on_partitions_revoked(self, revoked):
        self.owned -= {entry.partition for entry in revoked}
        say("owned", partitions=sorted(self.owned))

    def on_partitions_assigned(self, assigned):
        self.owned |= {entry.partition for entry in assigned}
        say("owned", partitions=sorted(self.owned))


def main():
    config = json.loads(sys.argv[1])
    stopping = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), stopping.set()), daemon=True).start()
    consumer = KafkaConsumer(
        bootstrap_servers=config["bootstrap"],
        group_id=config["group"],
        group_instance_id=config.get("instanceId"),
        session_timeout_ms=config["sessionTimeoutMs"],
        heartbeat_interval_ms=config["heartbeatIntervalMs"],
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        fetch_max_wait_ms=100,
        metadata_max_age_ms=5000,
    )
    consumer.subscribe([config["topic"]], listener=Listener())
    while not stopping.is_set():
        for partition, records in consumer.poll(timeout_ms=POLL_MS, max_records=BATCH_RECORDS).items():
            process(consumer, partition, records)
    consumer.close()
    say("closed")


def process(consumer, partition, records):
    say("processed", partition=partition.partition, first=records[0].offset, last=records[-1].offset)
    offset = records[-1].offset + 1
    try:
        consumer.commit({partition: OffsetAndMetadata(offset, "", -1)})
        say("committed", partition=partition.partition, offset=offset)
    except KafkaError as error:
        say("commit-failed", partition=partition.partition, message=repr(error))


main()
