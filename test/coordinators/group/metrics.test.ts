import { expect } from "chai";
import { Errors } from "../../../protocol/errors.ts";
import { showGroups } from "../../../src/coordinators/group/group-metrics.ts";
import { prometheusRenderer } from "../../../src/metrics/prometheus.ts";
import { joinDynamic, stableGroup } from "../support/classic-client.ts";
import { converge, T1, TestConsumer } from "../support/consumer-client.ts";
import { GroupFixture } from "../support/group-fixture.ts";

/** The lines about groups that are not zero. */
async function lines(fixture: GroupFixture): Promise<string[]> {
  const text = await prometheusRenderer(fixture.metrics).render();
  return text.split("\n").filter(line => /^samsa_(group|offset)/.test(line) && !line.endsWith(" 0"));
}

async function opened(): Promise<GroupFixture> {
  const fixture = new GroupFixture();
  showGroups(fixture.metrics, () => [fixture.shard]);
  fixture.setTopics([T1]);
  await fixture.settle();
  return fixture;
}

describe("metrics of the group coordinator", () => {
  it("tell classic groups, their members, rebalances and members that went silent", async () => {
    const fixture = await opened();
    await stableGroup(fixture, 3);
    expect(await lines(fixture)).to.have.members([
      'samsa_groups{protocol="classic",state="Stable"} 1',
      'samsa_group_members{protocol="classic"} 3',
      'samsa_group_rebalances_total{protocol="classic"} 1',
      'samsa_group_coordinator_partitions{state="active"} 1',
    ]);
    await joinDynamic(fixture);
    await fixture.time.advance(60_000);
    expect(await lines(fixture)).to.include.members(["samsa_group_members_expired_total 4"]);
  });

  it("tell consumer groups, their members and assignments", async () => {
    const fixture = await opened();
    const consumers = [new TestConsumer(fixture, "a"), new TestConsumer(fixture, "b")];
    for (const consumer of consumers) expect((await consumer.join()).errorCode).to.equal(Errors.NONE);
    await converge(...consumers);
    expect(await lines(fixture)).to.have.members([
      'samsa_groups{protocol="consumer",state="Stable"} 1',
      'samsa_group_members{protocol="consumer"} 2',
      'samsa_group_rebalances_total{protocol="consumer"} 2',
      'samsa_group_coordinator_partitions{state="active"} 1',
    ]);
  });
});
