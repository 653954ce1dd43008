// Who gets what.
#include "tests/farm/core_bench.hpp"

#include <set>

using namespace raymill::farm::scheduler;

TEST_CASE("a worker holds two tiles while many wait, and one when few are left") {
    // The second is so that it never idles between two; near the end it would queue behind one worker while another idles.
    CoreBench bench;
    bench.hello("a");
    bench.hello("b");
    SUBCASE("many") {
        bench.submit(1, 1, 100);
        CHECK(bench.assigned["a"].size() == 2);
        CHECK(bench.assigned["b"].size() == 2);
    }
    SUBCASE("three for two workers: the third stays for whoever is free first") {
        bench.submit(1, 1, 3);
        CHECK(bench.assigned["a"].size() == 1);
        CHECK(bench.assigned["b"].size() == 1);
        bench.apply(TaskRendered{"b", bench.take("b")});
        CHECK(bench.assigned["b"].size() == 1);
    }
}

TEST_CASE("one frame of many tiles and many frames of one tile both keep every worker busy") {
    for (const auto& [frames, tiles] : {std::pair(1u, 64u), std::pair(64u, 1u), std::pair(8u, 8u)}) {
        CoreBench bench;
        for (int i = 0; i < 8; ++i) bench.hello("w" + std::to_string(i));
        bench.submit(1, frames, tiles);
        // Rounds of one tile each: until fewer than 8 tiles are left no worker may be without one (check() sees to it as well).
        for (int round = 0; round < 7; ++round)
            for (int i = 0; i < 8; ++i) {
                const auto name = "w" + std::to_string(i);
                const auto lease = bench.take(name);
                bench.finish(name, lease);
                CHECK_FALSE(bench.assigned[name].empty());
            }
    }
}

TEST_CASE("workers stay on their frame while it has tiles, and begin on frames of their own") {
    CoreBench bench;
    bench.hello("a");
    bench.hello("b");
    bench.submit(1, 10, 4);
    std::map<WorkerId, std::set<std::uint32_t>> frames;
    for (int tile = 0; tile < 4; ++tile)
        for (const WorkerId worker : {"a", "b"}) {
            const auto lease = bench.take(worker);
            frames[worker].insert(lease.task.frame);
            bench.apply(TaskRendered{worker, lease});
        }
    CHECK(frames["a"] == std::set{0u});
    CHECK(frames["b"] == std::set{1u});
}

TEST_CASE("a frame that only lacks its finish comes before new tiles, in an older job too") {
    CoreBench bench;
    bench.hello("a", "boot", {}, 1);
    bench.submit(1, 1, 1);
    bench.submit(2, 50, 4);
    const auto tile = bench.take("a");
    bench.apply(TaskRendered{"a", tile});
    const auto other = bench.take("a");
    CHECK(other.task.job == 2);
    CHECK(bench.stored("a", tile));
    bench.finish("a", other);
    CHECK(bench.take("a").task == TaskId{1, 0, finish_tile});
}

TEST_CASE("within a tenant the older job comes first") {
    CoreBench bench;
    bench.submit(5, 1, 4);
    bench.submit(3, 1, 4);
    bench.hello("a", "boot", {}, 1);
    CHECK(bench.take("a").task.job == 3);
}

TEST_CASE("two tenants share the workers evenly, whoever came first and however much they sent") {
    CoreBench bench;
    for (int i = 0; i < 4; ++i) bench.hello("w" + std::to_string(i), "boot", {}, 1);
    bench.submit(1, 100, 10, "first");
    bench.submit(2, 1, 200, "second");
    std::map<JobId, int> done;
    for (int round = 0; round < 40; ++round) {
        bench.now += second;
        for (int i = 0; i < 4; ++i) {
            const auto name = "w" + std::to_string(i);
            const auto lease = bench.take(name);
            if (round >= 4) ++done[lease.task.job]; // after the workers had the chance to move
            bench.finish(name, lease);
        }
    }
    CHECK(done[1] == 72);
    CHECK(done[2] == 72);
}

TEST_CASE("a lone worker gives each of two tenants its turn, but does not switch scenes at each tile") {
    CoreBench bench;
    bench.hello("a", "boot", {}, 1);
    bench.submit(1, 1, 1000, "first");
    bench.submit(2, 1, 1000, "second");
    std::map<JobId, int> done;
    int switches = 0;
    JobId last = 0;
    for (int i = 0; i < 600; ++i) {
        bench.now += second;
        const auto lease = bench.take("a");
        switches += last != 0 && lease.task.job != last ? 1 : 0;
        last = lease.task.job;
        ++done[last];
        bench.finish("a", lease);
    }
    CHECK(std::abs(done[1] - done[2]) <= 31);
    CHECK(switches <= 20);
    CHECK(switches >= 10);
}

TEST_CASE("a job at each bound is taken and one past it is refused in words") {
    Options options;
    options.max_tiles_a_job = 100;
    options.max_tiles = 150;
    options.max_jobs_a_tenant = 3;
    CoreBench bench(options);
    CHECK(bench.farm.refuses({1, "t", 101, 1}).has_value());
    CHECK(bench.farm.refuses({1, "t", 1, 101}).has_value());
    CHECK(bench.farm.refuses({1, "t", 0, 1}).has_value());
    CHECK(bench.farm.refuses({1, "t", 1, 0}).has_value());
    bench.submit(1, 10, 10);
    CHECK(bench.farm.refuses({2, "t", 51, 1})->code == "refused");
    bench.submit(2, 49, 1);
    bench.submit(3, 1, 1);
    CHECK(bench.farm.refuses({4, "u", 1, 1}).has_value()); // 150 tiles of all together
    bench.apply(JobCancelled{1});
    CHECK(bench.farm.refuses({4, "u", 1, 1}) == std::nullopt);
    bench.submit(4, 1, 1);
    CHECK(bench.farm.refuses({5, "t", 1, 1})->message == "you have 3 unfinished jobs, which is the most");
    CHECK(bench.farm.refuses({4, "u", 1, 1}).has_value()); // that id is taken
    bench.apply(JobSubmitted{{5, "t", 1, 1}});             // refused jobs are ignored
    CHECK(bench.farm.open_jobs() == 3);
}

TEST_CASE("tile edges aim at two seconds, give every worker tiles, and keep the bounds") {
    const auto edge = [](std::uint32_t w, std::uint32_t h, std::uint32_t spp, std::uint32_t frames, std::uint32_t workers, double rate) {
        return choose_tile_edge({.width = w, .height = h, .spp = spp, .frames = frames, .workers = workers, .samples_per_second = rate});
    };
    CHECK(edge(1280, 720, 64, 1, 2, 2e6) == 128); // 256 x 256 x 64 samples would take 2.1 s
    CHECK(edge(16384, 16384, 256, 1, 2, 1e9) == 1024);
    CHECK(edge(16384, 16384, 1 << 16, 1, 2, 1e6) == 64); // 16 px would be 2 s, but a frame has at most 65536 tiles
    CHECK(edge(65536, 65536, 1 << 20, 1, 2, 1e6) == 256);
    CHECK(edge(256, 256, 1, 1000, 4, 1e6) == 1024); // a frame a tile where frames alone keep all busy
    CHECK(edge(1920, 1080, 4096, 1 << 20, 4, 1e6) == 2048);
    CHECK(edge(64, 64, 16, 1, 64, 1e9) == 32);
    CHECK(edge(1, 1, 1, 1, 1, 1e6) == 32);
}
