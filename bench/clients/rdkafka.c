/* What users of librdkafka see: produces or consumes a number of records as fast as it goes, and prints the seconds that took.
 *
 *   rdkafka produce BROKERS TOPIC RECORDS SIZE
 *   rdkafka consume BROKERS TOPIC RECORDS
 */
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static long acknowledged = 0;

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

static void fail(const char *what, const char *why) {
  fprintf(stderr, "%s: %s\n", what, why);
  exit(1);
}

static void delivered(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque) {
  (void)client;
  (void)opaque;
  if (message->err) fail("delivery", rd_kafka_err2str(message->err));
  acknowledged++;
}

static void set(rd_kafka_conf_t *conf, const char *name, const char *value) {
  char error[512];
  if (rd_kafka_conf_set(conf, name, value, error, sizeof error) != RD_KAFKA_CONF_OK) fail(name, error);
}

static void produce(rd_kafka_conf_t *conf, const char *topic_name, long records, size_t size) {
  char error[512];
  set(conf, "acks", "all");
  set(conf, "linger.ms", "5");
  set(conf, "batch.size", "262144");
  set(conf, "queue.buffering.max.messages", "1000000");
  rd_kafka_conf_set_dr_msg_cb(conf, delivered);
  rd_kafka_t *client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof error);
  if (client == NULL) fail("producer", error);
  rd_kafka_topic_t *topic = rd_kafka_topic_new(client, topic_name, NULL);
  char *value = malloc(size);
  memset(value, 'x', size);
  for (long sent = 0; sent < records;) {
    if (rd_kafka_produce(topic, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, value, size, NULL, 0, NULL) == 0) sent++;
    else rd_kafka_poll(client, 10);
    if (sent % 1000 == 0) rd_kafka_poll(client, 0);
  }
  while (acknowledged < records) rd_kafka_poll(client, 10);
}

static void consume(rd_kafka_conf_t *conf, const char *topic, long records) {
  char error[512];
  char group[64];
  snprintf(group, sizeof group, "bench-%d", (int)(now() * 1000));
  set(conf, "group.id", group);
  set(conf, "auto.offset.reset", "earliest");
  set(conf, "enable.auto.commit", "false");
  set(conf, "queued.min.messages", "1000000");
  rd_kafka_t *client = rd_kafka_new(RD_KAFKA_CONSUMER, conf, error, sizeof error);
  if (client == NULL) fail("consumer", error);
  rd_kafka_poll_set_consumer(client);
  rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
  rd_kafka_topic_partition_list_add(topics, topic, RD_KAFKA_PARTITION_UA);
  rd_kafka_subscribe(client, topics);
  rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(client);
  static rd_kafka_message_t *messages[10000];
  double first = 0;
  for (long count = 0; count < records;) {
    ssize_t got = rd_kafka_consume_batch_queue(queue, 1000, messages, 10000);
    for (ssize_t index = 0; index < got; index++) {
      if (messages[index]->err == 0) count++;
      rd_kafka_message_destroy(messages[index]);
    }
    /* Joining the group takes seconds that say nothing about reading. */
    if (first == 0 && count > 0) first = now();
  }
  printf("%f\n", now() - first);
  exit(0);
}

int main(int count, char **arguments) {
  if (count < 5) fail("usage", "rdkafka produce|consume BROKERS TOPIC RECORDS [SIZE]");
  rd_kafka_conf_t *conf = rd_kafka_conf_new();
  set(conf, "bootstrap.servers", arguments[2]);
  double started = now();
  if (strcmp(arguments[1], "consume") == 0) consume(conf, arguments[3], atol(arguments[4]));
  produce(conf, arguments[3], atol(arguments[4]), (size_t)atol(arguments[5]));
  printf("%f\n", now() - started);
  return 0;
}
