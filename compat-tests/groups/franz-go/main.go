// A member of a group by franz-go: see member-process.ts for what it is told and what it prints.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sort"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

const batchRecords = 50

type config struct {
	Bootstrap           string `json:"bootstrap"`
	Group               string `json:"group"`
	Topic               string `json:"topic"`
	Protocol            string `json:"protocol"`
	InstanceID          string `json:"instanceId"`
	SessionTimeoutMs    int    `json:"sessionTimeoutMs"`
	HeartbeatIntervalMs int    `json:"heartbeatIntervalMs"`
}

type line map[string]any

var output sync.Mutex

func say(event string, facts line) {
	if facts == nil {
		facts = line{}
	}
	facts["event"] = event
	text, err := json.Marshal(facts)
	if err != nil {
		panic(err)
	}
	output.Lock()
	defer output.Unlock()
	fmt.Println(string(text))
}

// owned is what the member holds; its callbacks run one after the other.
type owned struct {
	topic      string
	partitions map[int32]bool
}

func (o *owned) change(changed map[string][]int32, isAdded bool) {
	for _, partition := range changed[o.topic] {
		if isAdded {
			o.partitions[partition] = true
		} else {
			delete(o.partitions, partition)
		}
	}
	partitions := []int32{}
	for partition := range o.partitions {
		partitions = append(partitions, partition)
	}
	sort.Slice(partitions, func(i, j int) bool { return partitions[i] < partitions[j] })
	say("owned", line{"partitions": partitions})
}

func main() {
	var told config
	if err := json.Unmarshal([]byte(os.Args[1]), &told); err != nil {
		panic(err)
	}
	mine := &owned{topic: told.Topic, partitions: map[int32]bool{}}
	options := []kgo.Opt{
		kgo.SeedBrokers(told.Bootstrap),
		kgo.ConsumerGroup(told.Group),
		kgo.ConsumeTopics(told.Topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.SessionTimeout(time.Duration(told.SessionTimeoutMs) * time.Millisecond),
		kgo.HeartbeatInterval(time.Duration(told.HeartbeatIntervalMs) * time.Millisecond),
		kgo.FetchMaxWait(100 * time.Millisecond),
		kgo.DisableAutoCommit(),
		kgo.BlockRebalanceOnPoll(),
		kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, m map[string][]int32) { mine.change(m, true) }),
		kgo.OnPartitionsRevoked(func(_ context.Context, _ *kgo.Client, m map[string][]int32) { mine.change(m, false) }),
		kgo.OnPartitionsLost(func(_ context.Context, _ *kgo.Client, m map[string][]int32) { mine.change(m, false) }),
	}
	if told.InstanceID != "" {
		options = append(options, kgo.InstanceID(told.InstanceID))
	}
	if told.Protocol == "consumer" {
		options = append(options, kgo.ServerSideBalancer())
	}
	client, err := kgo.NewClient(options...)
	if err != nil {
		panic(err)
	}
	stopping, stop := context.WithCancel(context.Background())
	go func() {
		io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	for stopping.Err() == nil {
		fetches := client.PollRecords(stopping, batchRecords)
		fetches.EachError(func(_ string, _ int32, err error) {
			if stopping.Err() == nil {
				say("error", line{"message": err.Error()})
			}
		})
		fetches.EachPartition(func(partition kgo.FetchTopicPartition) {
			if len(partition.Records) > 0 {
				process(client, partition.Records)
			}
		})
		client.AllowRebalance()
	}
	client.CloseAllowingRebalance()
	say("closed", nil)
}

func process(client *kgo.Client, records []*kgo.Record) {
	last := records[len(records)-1]
	say("processed", line{"partition": last.Partition, "first": records[0].Offset, "last": last.Offset})
	if err := client.CommitRecords(context.Background(), last); err != nil {
		say("commit-failed", line{"partition": last.Partition, "message": err.Error()})
		return
	}
	say("committed", line{"partition": last.Partition, "offset": last.Offset + 1})
}
