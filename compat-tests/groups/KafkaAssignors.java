import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.coordinator.group.api.assignor.ConsumerGroupPartitionAssignor;
import org.apache.kafka.coordinator.group.api.assignor.SubscribedTopicDescriber;
import org.apache.kafka.coordinator.group.api.assignor.SubscriptionType;
import org.apache.kafka.coordinator.group.assignor.RangeAssignor;
import org.apache.kafka.coordinator.group.assignor.UniformAssignor;
import org.apache.kafka.coordinator.group.modern.Assignment;
import org.apache.kafka.coordinator.group.modern.GroupSpecImpl;
import org.apache.kafka.coordinator.group.modern.MemberSubscriptionAndAssignmentImpl;

/**
 * Kafka's own server-side assignors. A line in: assignor, `alike` or `mixed`, the topics as `id=partitions` by commas, and each member as
 * `id:topics:owned`, where owned are `topic/partition` by commas. A line out: each member as `id:topic/partition,…`, members by spaces.
 */
public final class KafkaAssignors {
    public static void main(String[] args) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        for (String line = in.readLine(); line != null; line = in.readLine()) System.out.println(assign(line.split(" ")));
    }

    private static String assign(String[] words) {
        ConsumerGroupPartitionAssignor assignor = words[0].equals("range") ? new RangeAssignor() : new UniformAssignor();
        SubscriptionType type = words[1].equals("alike") ? SubscriptionType.HOMOGENEOUS : SubscriptionType.HETEROGENEOUS;
        Map<Uuid, Integer> topics = new TreeMap<>();
        for (String topic : words[2].split(",")) topics.put(Uuid.fromString(topic.split("=")[0]), Integer.parseInt(topic.split("=")[1]));
        Map<String, MemberSubscriptionAndAssignmentImpl> members = new TreeMap<>();
        Map<Uuid, Map<Integer, String>> owners = new TreeMap<>();
        for (int at = 3; at < words.length; at++) {
            String[] parts = words[at].split(":", -1);
            Set<Uuid> subscribed = new HashSet<>();
            for (String topic : parts[1].split(",")) subscribed.add(Uuid.fromString(topic));
            Map<Uuid, Set<Integer>> owned = new TreeMap<>();
            for (String partition : parts[2].isEmpty() ? new String[0] : parts[2].split(",")) {
                Uuid topic = Uuid.fromString(partition.split("/")[0]);
                int index = Integer.parseInt(partition.split("/")[1]);
                owned.computeIfAbsent(topic, id -> new TreeSet<>()).add(index);
                owners.computeIfAbsent(topic, id -> new TreeMap<>()).put(index, parts[0]);
            }
            members.put(parts[0], new MemberSubscriptionAndAssignmentImpl(Optional.empty(), Optional.empty(), subscribed, new Assignment(owned)));
        }
        var result = assignor.assign(new GroupSpecImpl(members, type, owners), new SubscribedTopicDescriber() {
            @Override
            public int numPartitions(Uuid topic) {
                return topics.getOrDefault(topic, -1);
            }

            @Override
            public Set<String> racksForPartition(Uuid topic, int partition) {
                return Set.of();
            }
        });
        return members.keySet().stream().map(id -> id + ":" + textOf(result.members().get(id).partitions())).collect(Collectors.joining(" "));
    }

    private static String textOf(Map<Uuid, Set<Integer>> assignment) {
        return assignment.entrySet().stream()
            .flatMap(entry -> entry.getValue().stream().map(partition -> entry.getKey() + "/" + partition))
            .sorted().collect(Collectors.joining(","));
    }
}
