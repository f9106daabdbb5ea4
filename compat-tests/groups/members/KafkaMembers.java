import java.io.PrintStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;

/**
 * Members of a group by Kafka's own consumer, several in one process: the start of a JVM costs more than all that follows. What it is told and what
 * it prints stands in member-process.ts; here each setting is a word "name=value", and each line names the member.
 */
public final class KafkaMembers {
    private static final PrintStream OUT = System.out;
    private static volatile boolean stopping = false;

    public static void main(String[] args) throws Exception {
        Properties told = new Properties();
        for (String arg : args) told.setProperty(arg.substring(0, arg.indexOf('=')), arg.substring(arg.indexOf('=') + 1));
        List<Thread> threads = new ArrayList<>();
        for (int index = 0; index < Integer.parseInt(told.getProperty("members")); index++) {
            KafkaMembers member = new KafkaMembers(index, told);
            Thread thread = new Thread(member::run, "member-" + index);
            thread.start();
            threads.add(thread);
        }
        while (System.in.read() != -1) { }
        stopping = true;
        for (Thread thread : threads) thread.join();
    }

    private final int index;
    private final Properties told;
    private final TreeSet<Integer> owned = new TreeSet<>();

    private KafkaMembers(int index, Properties told) {
        this.index = index;
        this.told = told;
    }

    private void run() {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", told.getProperty("bootstrap"));
        settings.put("group.id", told.getProperty("group"));
        settings.put("group.protocol", told.getProperty("protocol"));
        settings.put("client.id", told.getProperty("group") + "-" + index);
        settings.put("auto.offset.reset", "earliest");
        settings.put("enable.auto.commit", "false");
        settings.put("max.poll.records", "50");
        settings.put("fetch.max.wait.ms", "100");
        settings.put("key.deserializer", "org.apache.kafka.common.serialization.ByteArrayDeserializer");
        settings.put("value.deserializer", "org.apache.kafka.common.serialization.ByteArrayDeserializer");
        if (told.getProperty("protocol").equals("classic")) {
            settings.put("session.timeout.ms", told.getProperty("sessionTimeoutMs"));
            settings.put("heartbeat.interval.ms", told.getProperty("heartbeatIntervalMs"));
        }
        if (told.containsKey("instanceId")) settings.put("group.instance.id", told.getProperty("instanceId"));
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(settings)) {
            consumer.subscribe(List.of(told.getProperty("topic")), new ConsumerRebalanceListener() {
                @Override
                public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
                    for (TopicPartition partition : partitions) owned.add(partition.partition());
                    sayOwned();
                }

                @Override
                public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
                    for (TopicPartition partition : partitions) owned.remove(partition.partition());
                    sayOwned();
                }
            });
            while (!stopping) {
                var records = consumer.poll(Duration.ofMillis(100));
                for (TopicPartition partition : records.partitions()) process(consumer, partition, records.records(partition));
            }
        } catch (Exception error) {
            say("error", "\"message\":\"" + error.toString().replace('"', '\'').replace('\n', ' ') + "\"");
            throw error;
        }
        say("closed", null);
    }

    private void process(KafkaConsumer<byte[], byte[]> consumer, TopicPartition partition, List<ConsumerRecord<byte[], byte[]>> records) {
        long last = records.get(records.size() - 1).offset();
        say("processed", "\"partition\":" + partition.partition() + ",\"first\":" + records.get(0).offset() + ",\"last\":" + last);
        try {
            consumer.commitSync(Map.of(partition, new OffsetAndMetadata(last + 1)));
            say("committed", "\"partition\":" + partition.partition() + ",\"offset\":" + (last + 1));
        } catch (KafkaException error) {
            say("commit-failed", "\"partition\":" + partition.partition() + ",\"message\":\"" + error.getClass().getSimpleName() + "\"");
        }
    }

    private void sayOwned() {
        say("owned", "\"partitions\":[" + owned.stream().map(String::valueOf).collect(Collectors.joining(",")) + "]");
    }

    private void say(String event, String facts) {
        OUT.println("{\"event\":\"" + event + "\",\"member\":" + index + (facts == null ? "" : "," + facts) + "}");
        OUT.flush();
    }
}
