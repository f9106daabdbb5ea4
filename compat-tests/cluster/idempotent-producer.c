/*
 * An idempotent producer on librdkafka that tells of every acknowledgement when it came.
 *
 *   idempotent-producer BROKERS TOPIC PARTITIONS COUNT RECORDS_PER_SECOND VALUE_BYTES [KEY=VALUE ...]
 *
 * Record n goes to partition n % PARTITIONS; its value begins with "<n> " and is filled up to VALUE_BYTES. KEY=VALUE are settings of librdkafka.
 *
 * Prints one line a record, in the order of the reports: "<n> <partition> <offset> <microseconds>", the time on the monotonic clock since the
 * start; a record that failed for good has "!<error name>" for an offset. The last line is "done <acknowledged> <failed>". Lines are flushed
 * twenty times a second, so that a reader may act on them. A line "go" on standard input is awaited after "ready", so that both agree on a start.
 * Whatever comes there after it ends the load early: no more records are produced, and all that were are waited for.
 */
#include <errno.h>
#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static long acknowledged = 0;
static long failed = 0;
static int64_t started_us = 0;

static int64_t now_us(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

static void reported(rd_kafka_t *producer, const rd_kafka_message_t *message, void *opaque) {
  (void)producer;
  (void)opaque;
  const long number = (long)(intptr_t)message->_private;
  const int64_t at_us = now_us() - started_us;
  if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
    acknowledged++;
    printf("%ld %" PRId32 " %" PRId64 " %" PRId64 "\n", number, message->partition, message->offset, at_us);
  } else {
    failed++;
    printf("%ld %" PRId32 " !%s %" PRId64 "\n", number, message->partition, rd_kafka_err2name(message->err), at_us);
  }
}

static void fail(const char *what, const char *why) {
  fprintf(stderr, "%s: %s\n", what, why);
  exit(1);
}

static void set(rd_kafka_conf_t *configuration, const char *key, const char *value) {
  char why[512];
  if (rd_kafka_conf_set(configuration, key, value, why, sizeof(why)) != RD_KAFKA_CONF_OK) fail(key, why);
}

/* Gives the record to librdkafka; waits while its queue is full. */
static void produce(rd_kafka_t *producer, const char *topic, int32_t partition, long number, char *value, size_t size) {
  const int length = snprintf(value, size, "%ld ", number);
  if ((size_t)length < size) value[length] = 'x';
  for (;;) {
    const rd_kafka_resp_err_t error =
        rd_kafka_producev(producer, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(partition),
                          RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_VALUE(value, size),
                          RD_KAFKA_V_OPAQUE((void *)(intptr_t)number), RD_KAFKA_V_END);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return;
    if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL) fail("produce", rd_kafka_err2str(error));
    rd_kafka_poll(producer, 10);
  }
}

/* Whether something has come on standard input, its end included. */
static int is_told_to_end(void) {
  struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
  return poll(&input, 1, 0) > 0;
}

int main(int argc, char **argv) {
  if (argc < 7) fail("usage", "BROKERS TOPIC PARTITIONS COUNT RECORDS_PER_SECOND VALUE_BYTES [KEY=VALUE ...]");
  const char *topic = argv[2];
  const int32_t partitions = (int32_t)atoi(argv[3]);
  long count = atol(argv[4]);
  const double per_second = atof(argv[5]);
  const size_t size = (size_t)atol(argv[6]);
  rd_kafka_conf_t *configuration = rd_kafka_conf_new();
  set(configuration, "bootstrap.servers", argv[1]);
  set(configuration, "enable.idempotence", "true");
  for (int i = 7; i < argc; i++) {
    char *equals = strchr(argv[i], '=');
    if (equals == NULL) fail(argv[i], "KEY=VALUE is expected");
    *equals = '\0';
    set(configuration, argv[i], equals + 1);
  }
  rd_kafka_conf_set_dr_msg_cb(configuration, reported);
  char why[512];
  rd_kafka_t *producer = rd_kafka_new(RD_KAFKA_PRODUCER, configuration, why, sizeof(why));
  if (producer == NULL) fail("rd_kafka_new", why);
  char *value = malloc(size < 32 ? 32 : size);
  if (value == NULL) fail("malloc", strerror(errno));
  memset(value, 'x', size < 32 ? 32 : size);

  // Unbuffered, so that whatever comes after "go" is still there to be polled for.
  setvbuf(stdin, NULL, _IONBF, 0);
  printf("ready\n");
  fflush(stdout);
  char line[16];
  if (fgets(line, sizeof(line), stdin) == NULL) fail("stdin", "closed before \"go\"");

  started_us = now_us();
  int64_t flushed_us = started_us;
  long sent = 0;
  while (acknowledged + failed < count) {
    if (sent < count && is_told_to_end()) count = sent;
    const int64_t at_us = now_us();
    const long due = (long)((double)(at_us - started_us) * per_second / 1e6) + 1;
    while (sent < count && sent < due) {
      produce(producer, topic, (int32_t)(sent % partitions), sent, value, size);
      sent++;
    }
    rd_kafka_poll(producer, 1);
    if (at_us - flushed_us >= 50000) {
      fflush(stdout);
      flushed_us = at_us;
    }
  }
  printf("done %ld %ld\n", acknowledged, failed);
  fflush(stdout);
  rd_kafka_destroy(producer);
  free(value);
  return failed == 0 ? 0 : 2;
}
