// The acknowledgement and retry rules, one by one, on the core alone.
#include "tests/farm/core_bench.hpp"

using namespace raymill::farm::scheduler;

TEST_CASE("a job of one tile runs through lease, result and finish to done") {
    // The least that must work; each later test leaves this road at one point.
    CoreBench bench;
    bench.hello("a");
    bench.submit(1, 1, 1);
    const auto tile = bench.take("a");
    CHECK(tile == LeaseRef{{1, 0, 0}, 1});
    bench.finish("a", tile);
    CHECK(bench.frames.at({1, 0}).state == FrameState::assembling);
    const auto finish = bench.take("a");
    CHECK(finish == LeaseRef{{1, 0, finish_tile}, 1});
    bench.finish("a", finish);
    CHECK(bench.frames.at({1, 0}).state == FrameState::done);
    CHECK(bench.jobs.at(1).state == JobState::done);
    CHECK(bench.farm.open_jobs() == 0);
}

TEST_CASE("a lease is recorded in the batch that sends it") {
    // Rule 2: if the record came later, a crash between them would hand out the same fence twice.
    Farm farm;
    (void)farm.apply(0, WorkerHello{"a", "boot", 2, {}});
    const auto effects = farm.apply(0, JobSubmitted{{7, "t", 1, 1}});
    int assigned = 0;
    for (const auto& send : effects.sends) {
        const auto* assign = std::get_if<SendAssign>(&send);
        if (assign == nullptr) continue;
        ++assigned;
        const auto recorded = std::ranges::any_of(effects.records, [&](const Record& record) {
            const auto* task = std::get_if<TaskChanged>(&record);
            return task != nullptr && task->task == assign->lease.task && task->fence == assign->lease.fence &&
                   task->holder == assign->worker;
        });
        CHECK(recorded);
    }
    CHECK(assigned == 1);
}

TEST_CASE("a lease without heartbeats runs out and the tile goes to another worker with a higher fence") {
    CoreBench bench;
    bench.hello("a");
    bench.submit(1, 1, 1);
    const auto first = bench.take("a");
    bench.tick(15 * second - 1);
    bench.hello("b");
    CHECK(bench.assigned["b"].empty());
    bench.tick(1);
    CHECK(bench.take("b") == LeaseRef{first.task, 2});
}

TEST_CASE("heartbeats renew exactly the leases they list") {
    CoreBench bench;
    bench.hello("a");
    bench.submit(1, 1, 2);
    const auto listed = bench.take("a");
    const auto left_out = bench.take("a");
    for (int i = 0; i < 3; ++i) {
        bench.tick(10 * second);
        bench.apply(WorkerHeartbeat{"a", {{listed, false}}});
    }
    bench.tick(0);
    CHECK(bench.farm.leased(1) == 2);
    // The lease left out ran out at 15 s and was given again, with a new fence; the listed one was never touched.
    CHECK(bench.take("a") == LeaseRef{left_out.task, 2});
    bench.finish("a", listed);
}

TEST_CASE("a stale fence is answered not needed and changes nothing") {
    // Rule 5. Without the fence check the late result would be a second acceptance of the tile.
    CoreBench bench;
    bench.hello("a");
    bench.submit(1, 1, 1);
    const auto stale = bench.take("a");
    bench.tick(20 * second);
    bench.hello("b");
    const auto fresh = bench.take("b");
    bench.hello("a", "boot", {{stale, true}});
    CHECK(bench.welcomes.back().keep.empty());
    bench.apply(ResultOffered{"a", stale});
    CHECK_FALSE(bench.verdicts.back().accepted);
    CHECK_FALSE(bench.stored("a", stale));
    CHECK(bench.accepted.empty());
    bench.finish("b", fresh);
    CHECK(bench.accepted.at(fresh.task) == 1);
    CHECK_FALSE(bench.stored("b", fresh)); // the same result sent once more: its first verdict was lost on the way
    CHECK(bench.accepted.at(fresh.task) == 1);
}

TEST_CASE("a worker's own older attempt is stale too") {
    // The tile came back to the same worker: its name alone says nothing, only the fence does.
    CoreBench bench;
    bench.hello("a");
    bench.submit(1, 1, 1);
    const auto first = bench.take("a");
    bench.tick(20 * second);
    bench.hello("a", "boot", {});
    const auto second_try = bench.take("a");
    CHECK(second_try == LeaseRef{first.task, 2});
    bench.apply(ResultOffered{"a", first});
    CHECK_FALSE(bench.verdicts.back().accepted);
    CHECK_FALSE(bench.stored("a", first));
    CHECK(bench.accepted.empty());
    bench.finish("a", second_try);
}

TEST_CASE("a late result is taken while nobody else had the tile") {
    CoreBench bench;
    bench.hello("a");
    bench.submit(1, 1, 1);
    const auto lease = bench.take("a");
    bench.tick(20 * second);
    CHECK(bench.farm.waiting() == 1);
    SUBCASE("offered after the worker came back") {
        bench.hello("a", "boot", {{lease, true}});
        CHECK(bench.welcomes.back().keep == std::vector{lease});
        CHECK(bench.stored("a", lease));
    }
    SUBCASE("already on its way when the lease ran out") { CHECK(bench.stored("a", lease)); }
    SUBCASE("but not from a worker that never had it") {
        CHECK_FALSE(bench.stored("z", lease));
        CHECK(bench.accepted.empty());
    }
}

TEST_CASE("a reconnecting worker keeps the leases whose fences match and loses those it does not present") {
    // Rule 6.
    CoreBench bench;
    bench.hello("a");
    bench.submit(1, 1, 3);
    const auto kept = bench.take("a");
    const auto forgotten = bench.take("a");
    bench.hello("a", "boot", {{kept, false}});
    CHECK(bench.welcomes.back().keep == std::vector{kept});
    CHECK(bench.farm.leased(1) == 2);
    CHECK(bench.take("a") == LeaseRef{forgotten.task, 2});
    bench.finish("a", kept);
}

TEST_CASE("a new boot ends the old boot's leases at once, but for results that it kept on disk") {
    // Rule 8: a worker that reboots faster than its lease runs out would otherwise leak its tiles until then.
    CoreBench bench;
    bench.hello("a", "one");
    bench.submit(1, 1, 2);
    const auto on_disk = bench.take("a");
    const auto lost = bench.take("a");
    bench.apply(TaskRendered{"a", on_disk});
    bench.hello("a", "two", {{on_disk, true}});
    CHECK(bench.welcomes.back().keep == std::vector{on_disk});
    CHECK(bench.take("a") == LeaseRef{lost.task, 2});
    CHECK(bench.stored("a", on_disk));
}

TEST_CASE("after the coordinator's restart running leases are adopted and stale ones are not") {
    CoreBench bench;
    bench.hello("a");
    bench.hello("b");
    bench.submit(1, 1, 4);
    const auto a1 = bench.take("a");
    const auto b1 = bench.take("b");
    bench.restart();
    CHECK(bench.farm.leased(1) >= 2);
    bench.apply(WorkerHeartbeat{"a", {{a1, false}}});
    CHECK(bench.hello_again == std::vector<WorkerId>{"a"});
    bench.hello("a", "boot", {{a1, false}});
    CHECK(bench.welcomes.back().keep == std::vector{a1});
    bench.finish("a", a1);
    bench.tick(16 * second); // b never came back
    CHECK_FALSE(bench.accepted.contains(b1.task));
    bench.hello("a", "boot", {});
    bool again = false;
    while (!bench.assigned["a"].empty()) {
        const auto lease = bench.take("a");
        again = again || lease == LeaseRef{b1.task, 2};
    }
    CHECK(again);
}

TEST_CASE("fences keep growing over a restart") {
    CoreBench bench;
    bench.submit(1, 1, 1);
    std::uint32_t last = 0;
    for (int round = 0; round < 5; ++round) {
        bench.hello("a", "boot" + std::to_string(round));
        const auto lease = bench.take("a");
        CHECK(lease.fence == last + 1);
        last = lease.fence;
        bench.restart();
        bench.tick(16 * second);
    }
}

TEST_CASE("a failed tile goes to a worker that has not failed it") {
    CoreBench bench;
    bench.hello("a", "boot", {}, 1);
    bench.submit(1, 1, 1);
    const auto lease = bench.take("a");
    bench.hello("b", "boot", {}, 1);
    bench.fail("a", lease);
    CHECK(bench.assigned["a"].empty());
    CHECK(bench.take("b") == LeaseRef{lease.task, 2});
}

TEST_CASE("a lone worker may try again what it failed") {
    // Else one kill of a render process on a farm of one worker would stop the job.
    CoreBench bench;
    bench.hello("a");
    bench.submit(1, 1, 1);
    bench.fail("a", bench.take("a"));
    const auto again = bench.take("a");
    CHECK(again.fence == 2);
    bench.finish("a", again);
}

TEST_CASE("three genuine failures poison the tile: its frame fails, the rest of the job goes on") {
    CoreBench bench;
    bench.hello("a", "boot", {}, 1);
    bench.submit(1, 2, 1);
    for (int attempt = 0; attempt < 3; ++attempt) {
        CHECK(bench.frames.at({1, 0}).state == FrameState::running);
        const auto lease = bench.take("a");
        CHECK(lease.task == TaskId{1, 0, 0});
        bench.fail("a", lease);
    }
    CHECK(bench.frames.at({1, 0}).state == FrameState::failed);
    CHECK(bench.frames.at({1, 0}).fault.message == "no luck");
    bench.finish("a", bench.take("a"));
    bench.finish("a", bench.take("a"));
    CHECK(bench.frames.at({1, 1}).state == FrameState::done);
    CHECK(bench.jobs.at(1).state == JobState::failed);
    CHECK(bench.jobs.at(1).fault.message == "no luck");
}

TEST_CASE("failures are remembered over a restart") {
    CoreBench bench;
    bench.submit(1, 1, 1);
    for (int attempt = 0; attempt < 3; ++attempt) {
        bench.hello("a", "boot", {}, 1);
        bench.fail("a", bench.take("a"));
        if (attempt < 2) bench.restart();
    }
    CHECK(bench.jobs.at(1).state == JobState::failed);
}

TEST_CASE("killed render processes count apart, with a bound of sixteen") {
    CoreBench bench;
    bench.hello("a", "boot", {}, 1);
    bench.submit(1, 1, 1);
    for (int loss = 1; loss <= 15; ++loss) bench.fail("a", bench.take("a"), FailureKind::lost);
    CHECK(bench.jobs.at(1).state == JobState::running);
    bench.fail("a", bench.take("a"), FailureKind::lost);
    CHECK(bench.jobs.at(1).state == JobState::failed);
    CHECK(bench.jobs.at(1).fault.message == "tile 0 was lost 16 times; the last time: no luck");
}

TEST_CASE("a bad scene ends the job at its second report, with the worker's words") {
    CoreBench bench;
    bench.hello("a", "boot", {}, 1);
    bench.submit(1, 1000, 4);
    bench.fail("a", bench.take("a"), FailureKind::input, "bad_input");
    CHECK(bench.jobs.at(1).state == JobState::running);
    bench.fail("a", bench.take("a"), FailureKind::input, "bad_input");
    CHECK(bench.jobs.at(1).state == JobState::failed);
    CHECK(bench.jobs.at(1).fault == Fault{"bad_input", "no luck"});
    CHECK(bench.farm.waiting() == 0);
}

TEST_CASE("a job that fails three frames before any tile succeeds is given up") {
    // A farm without a usable device would otherwise spend hours failing each of a thousand frames.
    CoreBench bench;
    bench.hello("a", "boot", {}, 1);
    bench.submit(1, 1000, 1);
    int attempts = 0;
    while (bench.jobs.at(1).state == JobState::running) {
        bench.fail("a", bench.take("a"), FailureKind::genuine, "no_device");
        REQUIRE(++attempts <= 9);
    }
    CHECK(attempts == 9);
    CHECK(bench.jobs.at(1).fault.code == "no_device");
}

TEST_CASE("cancelling takes back what is out and forgets the rest") {
    CoreBench bench;
    bench.hello("a");
    bench.submit(1, 10, 10);
    const auto lease = bench.take("a");
    bench.apply(JobCancelled{1});
    CHECK(bench.jobs.at(1).state == JobState::cancelled);
    CHECK(bench.revoked["a"].size() == 2);
    CHECK(bench.farm.waiting() == 0);
    CHECK_FALSE(bench.stored("a", lease));
    bench.apply(JobCancelled{1});  // twice is once
    bench.apply(JobCancelled{99}); // and of nothing is nothing
}

TEST_CASE("a worker that says goodbye leaves its tiles to others at once, and no loss is counted") {
    CoreBench bench;
    bench.submit(1, 1, 1);
    for (int i = 0; i < 40; ++i) {
        const auto name = "w" + std::to_string(i);
        bench.hello(name, "boot", {}, 1);
        (void)bench.take(name);
        bench.apply(WorkerGoodbye{name});
    }
    CHECK(bench.jobs.at(1).state == JobState::running);
}

TEST_CASE("events of workers, jobs and leases that are not there change nothing") {
    // Totality: a worker's message may name anything.
    CoreBench bench;
    bench.submit(1, 1, 1);
    const std::vector<LeaseRef> strange{{{1, 0, 0}, 0}, {{1, 0, 0}, 1},           {{1, 0, 5}, 1},          {{1, 9, 0}, 1},
                                        {{2, 0, 0}, 1}, {{1, 0, finish_tile}, 0}, {{1, 0, finish_tile}, 1}};
    bench.hello("b", "boot", {}, 0);
    for (const auto& lease : strange)
        for (const WorkerId worker : {"a", "b"}) {
            bench.apply(WorkerHeartbeat{worker, {{lease, false}}});
            bench.apply(TaskRendered{worker, lease});
            bench.apply(ResultOffered{worker, lease});
            CHECK_FALSE(bench.stored(worker, lease));
            bench.fail(worker, lease);
            bench.apply(WorkerGoodbye{"nobody"});
        }
    CHECK(bench.farm.waiting() == 1);
    CHECK(bench.accepted.empty());
}
