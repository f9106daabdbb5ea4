"""A member of a group by confluent-kafka (librdkafka): see member-process.ts for what it is told and what it prints."""

import json
import sys
import threading

from confluent_kafka import Consumer, KafkaError, KafkaException

POLL_S = 0.1
BATCH_RECORDS = 50


def say(event, **facts):
    sys.stdout.write(json.dumps({"event": event, **facts}) + "\n")
    sys.stdout.flush()


def partitions_of(assignment):
    return sorted(entry.partition for entry in assignment)


def main():
    config = json.loads(sys.argv[1])
    stopping = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), stopping.set()), daemon=True).start()

    owned = set()

    def changed(partitions, is_added):
        for partition in partitions_of(partitions):
            (owned.add if is_added else owned.discard)(partition)
        say("owned", partitions=sorted(owned))

    settings = {
        "bootstrap.servers": config["bootstrap"],
        "group.id": config["group"],
        "group.protocol": config["protocol"],
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
        "fetch.wait.max.ms": 100,
    }
    if config["protocol"] == "classic":
        settings["session.timeout.ms"] = config["sessionTimeoutMs"]
        settings["heartbeat.interval.ms"] = config["heartbeatIntervalMs"]
        settings["partition.assignment.strategy"] = "cooperative-sticky"
    if config.get("instanceId"):
        settings["group.instance.id"] = config["instanceId"]
    consumer = Consumer(settings)
    consumer.subscribe(
        [config["topic"]],
        on_assign=lambda _, partitions: changed(partitions, True),
        on_revoke=lambda _, partitions: changed(partitions, False),
        on_lost=lambda _, partitions: changed(partitions, False),
    )
    while not stopping.is_set():
        messages = consumer.consume(BATCH_RECORDS, POLL_S)
        failed = [message for message in messages if message.error()]
        for message in failed:
            if message.error().code() != KafkaError._PARTITION_EOF:
                say("error", message=str(message.error()))
        processed = [message for message in messages if not message.error()]
        if processed:
            process(consumer, processed)
    consumer.close()
    say("closed")


def process(consumer, messages):
    ranges = {}
    for message in messages:
        first, _ = ranges.get(message.partition(), (message.offset(), 0))
        ranges[message.partition()] = (first, message.offset())
    for partition, (first, last) in ranges.items():
        say("processed", partition=partition, first=first, last=last)
    last_of_each = {message.partition(): message for message in messages}
    for message in last_of_each.values():
        try:
            consumer.commit(message=message, asynchronous=False)
            say("committed", partition=message.partition(), offset=message.offset() + 1)
        except KafkaException as error:
            say("commit-failed", partition=message.partition(), message=str(error))


main()
