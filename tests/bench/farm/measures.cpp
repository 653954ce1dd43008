#include "tests/bench/farm/measures.hpp"

#include "farm/ledger/ledger.hpp"
#include "tests/bench/farm/server.hpp"
#include "tests/bench/farm/swarm.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <sys/wait.h>
#include <unistd.h>

namespace raymill::farm::bench {
namespace {

/// `value` printed as a whole number.
std::string whole(double value) { return std::to_string(static_cast<long long>(std::llround(value))); }

double percentile(std::vector<double> values, double share) {
    if (values.empty()) return 0;
    const auto at = static_cast<std::size_t>(share * static_cast<double>(values.size() - 1));
    std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(at));
    return values[at];
}

SwarmOptions swarm_for(const Server& server) {
    SwarmOptions options;
    options.port = server.worker_port();
    options.server_key = server.server_key();
    options.keys = server.worker_keys();
    return options;
}

/// A server that runs, with one job of `frames` frames of 65536 tiles (or `size` pixels in tiles of 16).
struct Bed {
    Server server;
    std::string job;
    Bed(const Options& options, const std::string& name) : server(options.raymill, options.folder / name) {}
    Status begin(const std::string& frames, const std::string& size = "4096x4096") {
        if (auto ok = server.start(); !ok) return ok;
        const auto scene = server.scene("imagined");
        if (!scene) return std::unexpected(scene.error());
        auto submitted = server.submit(*scene, {{"size", size}, {"spp", "1"}, {"tile", "16"}, {"frames", frames}});
        if (!submitted) return std::unexpected(submitted.error());
        job = *submitted;
        return {};
    }
};

Status no_faults(const Swarm& swarm) {
    return swarm.faults.empty() ? Status{} : fail(Code::failed, "imagined workers", swarm.faults.substr(0, 300));
}

/// Tiles that the coordinator has accepted, after it was killed and started again.
Result<std::uint64_t> accepted_after_kill(Server& server, const std::string& job) {
    server.kill();
    if (auto ok = server.start(); !ok) return std::unexpected(ok.error());
    const auto info = server.client().job(job);
    if (!info) return std::unexpected(info.error());
    return info->tiles_done;
}

} // namespace

Result<Figures> completions(const Options& options) {
    Bed bed(options, "completions");
    if (auto ok = bed.begin("1-16"); !ok) return std::unexpected(ok.error());
    auto settings = swarm_for(bed.server);
    settings.workers = options.tiny ? 4 : 64;
    settings.slots = 16;
    Swarm swarm(settings);
    swarm.run(20, [&] { return swarm.welcome_count() == settings.workers; });
    swarm.run(options.tiny ? 0.2 : 2);
    const auto acknowledged_before = swarm.accepted;
    swarm.reset_counts();
    const auto began = now_s(), cpu = bed.server.cpu_s();
    swarm.run(options.tiny ? 0.3 : 6);
    const auto took = now_s() - began;
    const auto rate = std::min(static_cast<double>(swarm.accepted), static_cast<double>(swarm.assigned)) / took;
    const auto server_cpu = (bed.server.cpu_s() - cpu) / took;
    if (auto ok = no_faults(swarm); !ok) return std::unexpected(ok.error());
    const auto acknowledged = acknowledged_before + swarm.accepted;
    const auto kept = accepted_after_kill(bed.server, bed.job);
    if (!kept) return std::unexpected(kept.error());
    if (*kept < acknowledged)
        return fail(Code::failed, "completions",
                    std::to_string(acknowledged) + " tiles were acknowledged, " + std::to_string(*kept) + " are there after a kill");
    return Figures{{"completions_per_s", rate, "1/s",
                    "durable leases and completions, " + std::to_string(settings.workers) +
                        " imagined workers of 16 slots, chunks of 1 KiB; the coordinator used " + whole(100 * server_cpu) +
                        " % of a core; after kill -9 " + std::to_string(*kept) + " tiles, " + std::to_string(acknowledged) +
                        " were acknowledged",
                    10000, true}};
}

Result<Figures> hand_out(const Options& options) {
    Bed bed(options, "hand_out");
    if (auto ok = bed.begin("1-16"); !ok) return std::unexpected(ok.error());
    auto settings = swarm_for(bed.server);
    settings.workers = options.tiny ? 20 : 1000;
    settings.tile_s = options.tiny ? 0.1 : 1;
    settings.tile_spread_s = settings.tile_s / 2;
    Swarm swarm(settings);
    swarm.run(60, [&] { return swarm.welcome_count() == settings.workers; });
    if (swarm.welcome_count() != settings.workers) return fail(Code::failed, "hand_out", "not all workers were welcomed");
    swarm.run(options.tiny ? 0.3 : 3);
    swarm.reset_counts();
    const auto span = options.tiny ? 0.5 : 12.0;
    swarm.run(span);
    if (auto ok = no_faults(swarm); !ok) return std::unexpected(ok.error());
    if (swarm.hand_outs.empty()) return fail(Code::failed, "hand_out", "nothing was handed out");
    char text[200];
    std::snprintf(text, sizeof text,
                  "p99 from \"rendered\" to the next durable lease, %u live workers, one tile each, %.0f tiles a second; median %.1f ms, "
                  "worst %.1f ms",
                  settings.workers, static_cast<double>(swarm.accepted) / span, percentile(swarm.hand_outs, 0.5) * 1000,
                  percentile(swarm.hand_outs, 1) * 1000);
    return Figures{{"handout_p99_ms", percentile(swarm.hand_outs, 0.99) * 1000, "ms", text, 50, false}};
}

Result<Figures> restart(const Options& options) {
    // The leases are written by the ledger itself: 6250 workers of 16 slots each need not be imagined for that.
    Bed bed(options, "restart");
    if (auto ok = bed.begin("1-16"); !ok) return std::unexpected(ok.error());
    bed.server.kill();
    const auto id = std::stoull(bed.job, nullptr, 16);
    const std::uint32_t open = options.tiny ? 1000 : 100000, tiles = 65536;
    {
        auto ledger = open_sqlite_ledger(bed.server.data() / "ledger.db");
        if (!ledger) return std::unexpected(ledger.error());
        std::vector<Entry> entries{scheduler::JobChanged{id, scheduler::JobState::running, {}, 1}};
        for (std::uint32_t i = 0; i < open; ++i) {
            const auto worker = "w" + std::to_string(i / 16);
            if (i % tiles == 0)
                entries.emplace_back(scheduler::FrameChanged{
                    .job = id, .frame = i / tiles, .state = scheduler::FrameState::running, .fault = {}, .output = {}});
            entries.emplace_back(scheduler::TaskChanged{.task = {id, i / tiles, i % tiles},
                                                        .fence = 1,
                                                        .holder = worker,
                                                        .last_holder = worker,
                                                        .failures = 0,
                                                        .losses = 0,
                                                        .failed_by = {}});
        }
        if (auto ok = (*ledger)->commit(entries); !ok) return std::unexpected(ok.error());
    }
    if (auto ok = bed.server.start(); !ok) return std::unexpected(ok.error());
    std::vector<double> times;
    std::uint64_t leased = 0;
    for (int i = 0; i < (options.tiny ? 1 : 5); ++i) {
        const auto began = now_s();
        bed.server.kill();
        if (auto ok = bed.server.start(); !ok) return std::unexpected(ok.error());
        const auto info = bed.server.client().job(bed.job);
        if (!info) return std::unexpected(info.error());
        times.push_back(now_s() - began);
        leased = info->tiles_leased;
    }
    if (leased != open) return fail(Code::failed, "restart", std::to_string(leased) + " tiles are leased, not " + std::to_string(open));
    // And it works: a worker is given something.
    auto settings = swarm_for(bed.server);
    Swarm swarm(settings);
    swarm.run(10, [&] { return swarm.accepted > 0; });
    if (swarm.accepted == 0) return fail(Code::failed, "restart", "no tile was accepted after it; " + swarm.faults);
    return Figures{{"restart_s", *std::ranges::max_element(times), "s",
                    "from kill -9 to an answer over HTTP, both doors open, " + std::to_string(open) + " tiles leased; the worst of " +
                        std::to_string(times.size()),
                    2, false}};
}

Result<Figures> lost_worker(const Options& options) {
    // Eight workers hold the job's only eight tiles and fall silent; eight others wait for something to do.
    Bed bed(options, "lost_worker");
    if (auto ok = bed.begin("1", "128x16"); !ok) return std::unexpected(ok.error());
    auto settings = swarm_for(bed.server);
    settings.workers = 8;
    settings.tile_s = 3600;
    Swarm lost(settings);
    lost.run(20, [&] { return lost.held(0, 8) == 8; });
    if (lost.held(0, 8) != 8) return fail(Code::failed, "lost_worker", "the tiles were not handed out; " + lost.faults);
    settings.name = "spare";
    Swarm spare(settings);
    for (const auto end = now_s() + 20; spare.welcome_count() < 8 && now_s() < end;) {
        spare.run(0.05);
        lost.run(0.05); // their heartbeats go on
    }
    lost.silence(0, 8);
    const auto began = now_s();
    spare.run(40, [&] { return spare.held(0, 8) == 8; });
    const auto took = now_s() - began;
    if (spare.held(0, 8) != 8) return fail(Code::failed, "lost_worker", "the tiles were not handed out again");
    return Figures{{"lost_worker_reissue_s", took, "s",
                    "from the silence of 8 workers, at most 1.9 s after a heartbeat, to the new lease of the last of their 8 tiles", 15,
                    false}};
}

Result<Figures> reconnects(const Options& options) {
    Bed bed(options, "reconnects");
    if (auto ok = bed.begin("1-16"); !ok) return std::unexpected(ok.error());
    // Two processes of imagined workers, since one has descriptors for 5000 at most.
    const unsigned each = options.tiny ? 20 : 4000;
    constexpr int processes = 2;
    struct Child {
        pid_t pid = -1;
        int told = -1, asks = -1;
    } children[processes];
    for (int i = 0; i < processes; ++i) {
        int told[2], asks[2];
        if (::pipe(told) != 0 || ::pipe(asks) != 0) return fail(Code::io, "reconnects", "no pipe");
        auto& child = children[i];
        child.pid = ::fork();
        if (child.pid == 0) {
            auto settings = swarm_for(bed.server);
            settings.name = "swarm" + std::to_string(i) + "-";
            settings.workers = each;
            settings.tile_s = 3600;
            settings.data_door = true;
            Swarm swarm(settings);
            double began = 0;
            for (int round = 0; round < 2; ++round) {
                const auto count = [&] { return swarm.welcomes >= each; };
                swarm.run(120, count);
                const auto welcomed = static_cast<double>(swarm.welcomes);
                [[maybe_unused]] auto wrote = ::write(told[1], &welcomed, sizeof welcomed);
                if (round == 1) break;
                // Goes on working until the parent has killed the server; all welcomes from then on are reconnects.
                char go = 0;
                swarm.run(2);
                if (::read(asks[0], &go, 1) != 1) ::_exit(1);
                swarm.reset_counts();
                began = now_s();
            }
            [[maybe_unused]] const auto used = began;
            ::_exit(0);
        }
        child.told = told[0];
        child.asks = asks[1];
        ::close(told[1]);
        ::close(asks[0]);
    }
    double took = 0, first = now_s();
    Status ok;
    double counts[processes] = {};
    for (int i = 0; i < processes; ++i)
        if (::read(children[i].told, &counts[i], sizeof(double)) != sizeof(double) || counts[i] < each)
            ok = fail(Code::failed, "reconnects", "only " + whole(counts[i]) + " of " + std::to_string(each) + " workers came in at first");
    first = now_s() - first;
    if (ok) {
        ::sleep(2);
        bed.server.kill();
        for (auto& child : children) [[maybe_unused]] const auto wrote = ::write(child.asks, "g", 1);
        const auto began = now_s();
        ok = bed.server.start();
        for (int i = 0; i < processes && ok; ++i)
            if (::read(children[i].told, &counts[i], sizeof(double)) != sizeof(double) || counts[i] < each)
                ok = fail(Code::failed, "reconnects", "only " + whole(counts[i]) + " of " + std::to_string(each) + " workers came back");
        took = now_s() - began;
    }
    for (auto& child : children) {
        ::close(child.told);
        ::close(child.asks);
        ::kill(child.pid, SIGKILL);
        ::waitpid(child.pid, nullptr, 0);
    }
    if (!ok) return std::unexpected(ok.error());
    return Figures{{"reconnects_8000_s", took, "s",
                    "from kill -9 until " + std::to_string(processes * each) +
                        " workers (CURVE, control and data) are welcomed by the new process; at first they took " + whole(first) + " s",
                    60, false}};
}

Result<Figures> intake(const Options& options) {
    Bed bed(options, "intake");
    if (auto ok = bed.begin("1-16"); !ok) return std::unexpected(ok.error());
    auto settings = swarm_for(bed.server);
    settings.workers = 4;
    settings.slots = 4;
    settings.whole = false;
    settings.chunk_bytes = options.tiny ? 1u << 20 : 4u << 20;
    settings.preview_bytes = 4096;
    Swarm swarm(settings);
    swarm.prepare_hashes(options.tiny ? 8 : 500);
    swarm.run(20, [&] { return swarm.welcome_count() == settings.workers; });
    swarm.run(options.tiny ? 0.1 : 0.5);
    swarm.reset_counts();
    const auto began = now_s(), cpu = bed.server.cpu_s();
    swarm.run(options.tiny ? 0.5 : 4);
    const auto took = now_s() - began;
    if (auto ok = no_faults(swarm); !ok) return std::unexpected(ok.error());
    const auto server_cpu = (bed.server.cpu_s() - cpu) / took;
    return Figures{{"intake_mb_per_s", static_cast<double>(swarm.accepted_bytes) / 1e6 / took, "MB/s",
                    "chunks of " + std::to_string(settings.chunk_bytes >> 20) +
                        " MiB from 4 workers over CURVE, hashed, fsynced and acknowledged; the coordinator used " +
                        whole(100 * server_cpu) + " % of a core",
                    250, true}};
}

} // namespace raymill::farm::bench
