#pragma once
/// The scheduling core on a bench: events in, what each worker was told out, invariants checked after each event, records kept as a ledger
/// keeps them.
#include "farm/ledger/ledger.hpp"
#include "farm/scheduler/farm.hpp"

#include <algorithm>
#include <deque>
#include <doctest/doctest.h>
#include <map>

namespace raymill::farm::scheduler {

class CoreBench {
  public:
    explicit CoreBench(Options options = {}) : options_(options), farm(options) {}

    void apply(const Event& event) {
        auto effects = farm.apply(now, event);
        farm.check();
        std::vector<Entry> entries;
        for (auto& record : effects.records) {
            std::visit([&](auto& r) { entries.emplace_back(r); }, record);
            if (const auto* tile = std::get_if<TileAccepted>(&record)) ++accepted[tile->task];
            if (const auto* frame = std::get_if<FrameChanged>(&record)) frames[{frame->job, frame->frame}] = *frame;
            if (const auto* job = std::get_if<JobChanged>(&record)) jobs[job->job] = *job;
        }
        REQUIRE(ledger->commit(entries).has_value());
        for (const auto& send : effects.sends) {
            if (const auto* assign = std::get_if<SendAssign>(&send)) assigned[assign->worker].push_back(assign->lease);
            if (const auto* revoke = std::get_if<SendRevoke>(&send)) revoked[revoke->worker].push_back(revoke->lease);
            if (const auto* verdict = std::get_if<SendVerdict>(&send)) verdicts.push_back(*verdict);
            if (const auto* grant = std::get_if<SendGrant>(&send)) grants.push_back(*grant);
            if (const auto* welcome = std::get_if<SendWelcome>(&send)) welcomes.push_back(*welcome);
            if (const auto* again = std::get_if<SendHelloAgain>(&send)) hello_again.push_back(again->worker);
        }
        all_sends.insert(all_sends.end(), effects.sends.begin(), effects.sends.end());
    }
    void submit(JobId id, std::uint32_t frame_count, std::uint32_t tiles, const std::string& tenant = "t") {
        const JobSpec spec{id, tenant, frame_count, tiles};
        REQUIRE_FALSE(farm.refuses(spec).has_value());
        REQUIRE(ledger
                    ->commit(std::vector<Entry>{
                        JobAdded{.spec = spec, .scene = {}, .name = {}, .key = {}, .settings = {}, .tile_edge = 1, .at = now}})
                    .has_value());
        apply(JobSubmitted{spec});
    }
    void hello(const WorkerId& worker, const std::string& boot = "boot", std::vector<Held> held = {}, std::uint32_t slots = 2) {
        assigned[worker].clear(); // what was on its way to the old connection
        apply(WorkerHello{worker, boot, slots, std::move(held)});
    }
    /// The next lease the worker was given and has not taken up yet.
    LeaseRef take(const WorkerId& worker) {
        REQUIRE_FALSE(assigned[worker].empty());
        const auto lease = assigned[worker].front();
        assigned[worker].pop_front();
        return lease;
    }
    bool stored(const WorkerId& worker, const LeaseRef& lease) {
        apply(ResultStored{worker, lease, {}});
        return verdicts.back().accepted;
    }
    void finish(const WorkerId& worker, const LeaseRef& lease) {
        apply(TaskRendered{worker, lease});
        apply(ResultOffered{worker, lease});
        CHECK(stored(worker, lease));
    }
    void fail(const WorkerId& worker, const LeaseRef& lease, FailureKind kind = FailureKind::genuine, const std::string& code = "failed") {
        apply(TaskFailed{worker, lease, kind, {code, "no luck"}});
    }
    void tick(Time later) {
        now += later;
        apply(Tick{});
    }
    /// The coordinator dies and another goes on with what the ledger has.
    void restart() {
        std::vector<SavedJob> saved;
        const auto rows = ledger->jobs();
        for (const auto& row : *rows) {
            if (row.state != JobState::queued && row.state != JobState::running) continue;
            auto progress = *ledger->progress(row.added.spec.id);
            saved.push_back({row.added.spec, row.state, std::move(progress.tasks), std::move(progress.done), std::move(progress.frames)});
        }
        farm = Farm::restore(options_, std::move(saved), *ledger->last_seq() + 1, now);
        farm.check();
        apply(Tick{});
    }

  private:
    Options options_;

  public:
    Time now = 1'000 * second;
    Farm farm;
    std::unique_ptr<Ledger> ledger = open_memory_ledger();
    std::map<WorkerId, std::deque<LeaseRef>> assigned;
    std::map<WorkerId, std::vector<LeaseRef>> revoked;
    std::vector<SendVerdict> verdicts;
    std::vector<SendGrant> grants;
    std::vector<SendWelcome> welcomes;
    std::vector<WorkerId> hello_again;
    std::vector<Send> all_sends;
    std::map<TaskId, int> accepted;
    std::map<std::pair<JobId, std::uint32_t>, FrameChanged> frames;
    std::map<JobId, JobChanged> jobs;
};

} // namespace raymill::farm::scheduler
