#include "farm/coordinator/shell.hpp"

#include "farm/coordinator/upload.hpp"
#include "farm/protocol/limits.hpp"
#include "renderer/base/check.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <sys/eventfd.h>
#include <unistd.h>

namespace raymill::farm {

using namespace scheduler;

void EventBell::ring(JobId job, std::uint64_t seq) {
    const std::scoped_lock lock(mutex_);
    auto& latest = latest_[job];
    latest = std::max(latest, seq);
    rung_.notify_all();
}

bool EventBell::wait(JobId job, std::uint64_t after, std::chrono::milliseconds longest) {
    std::unique_lock lock(mutex_);
    const auto there = [&] {
        const auto found = latest_.find(job);
        return closed_ || (found != latest_.end() && found->second > after);
    };
    return rung_.wait_for(lock, longest, there) && !closed_;
}

void EventBell::close() {
    const std::scoped_lock lock(mutex_);
    closed_ = true;
    rung_.notify_all();
}

Time Shell::now() {
    using namespace std::chrono;
    static const auto wall = duration_cast<microseconds>(system_clock::now().time_since_epoch());
    static const auto steady = steady_clock::now();
    return (wall + duration_cast<microseconds>(steady_clock::now() - steady)).count();
}

Shell::Shell(ShellParts parts) : parts_(std::move(parts)), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    CHECK_TRUE(wake_ >= 0);
    last_job_ = parts_.catalog.last_id();
}

Shell::~Shell() { ::close(wake_); }

void Shell::stop() noexcept {
    stop_ = true;
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto wrote = ::write(wake_, &one, sizeof one);
}

void Shell::post(std::function<void()> work) {
    {
        const std::scoped_lock lock(inbox_mutex_);
        if (closed_) return;
        inbox_.push_back(std::move(work));
    }
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto wrote = ::write(wake_, &one, sizeof one);
}

void Shell::drain_inbox() {
    std::uint64_t count = 0;
    [[maybe_unused]] const auto got = ::read(wake_, &count, sizeof count);
    std::vector<std::function<void()>> work;
    {
        const std::scoped_lock lock(inbox_mutex_);
        work.swap(inbox_);
    }
    for (const auto& one : work) one();
}

Status Shell::run() {
    constexpr int batch_messages = 256;
    while (ledger_ok_ && !stop_) {
        long timeout = 1000;
        if (const auto deadline = parts_.farm.next_deadline())
            timeout = std::clamp<long>(static_cast<long>((*deadline - now()) / 1000) + 1, 0, timeout);
        if (parts_.control.pending() || parts_.data.pending()) timeout = std::min(timeout, 5l);
        PollItem items[] = {{parts_.control.raw(), -1, false}, {parts_.data.raw(), -1, false}, {nullptr, wake_, false}};
        poll(items, timeout);
        // Control before data, so that heartbeats never wait behind chunks.
        for (int i = 0; i < batch_messages; ++i) {
            const auto message = parts_.control.receive();
            if (!message) break;
            on_control(*message);
        }
        for (int i = 0; i < batch_messages; ++i) {
            const auto message = parts_.data.receive();
            if (!message) break;
            on_data(*message);
        }
        drain_inbox();
        // Only now, when all that had arrived was heard, may anybody be taken for lost.
        if (const auto deadline = parts_.farm.next_deadline(); deadline && *deadline <= now()) {
            apply(Tick{});
            drop_stale_uploads();
        }
        store_whole_offers();
        start_commit();
        parts_.control.flush();
        parts_.data.flush();
    }
    while (committing_) { // what was decided is made durable, and its answers go out
        PollItem items[] = {{nullptr, wake_, false}};
        poll(items, 1000);
        drain_inbox();
    }
    bell_.close();
    std::vector<std::function<void()>> dropped;
    {
        const std::scoped_lock lock(inbox_mutex_);
        closed_ = true;
        dropped.swap(inbox_);
    }
    gate_.drop_answers();
    return ledger_ok_;
}

void Shell::apply(const Event& event) {
    auto effects = parts_.farm.apply(now(), event);
    // A grant promises nothing, and what comes of it waits for the commit again.
    std::erase_if(effects.sends, [this](const Send& send) {
        const auto* grant = std::get_if<SendGrant>(&send);
        if (grant != nullptr) start_upload(grant->worker, grant->lease);
        return grant != nullptr;
    });
    gate_.add(std::move(effects));
}

/// The batch becomes durable; then, and only then, the world hears of it.
void Shell::start_commit() {
    if (committing_ || gate_.empty() || !ledger_ok_) return;
    committing_ = std::make_shared<const Gate::Batch>(gate_.take());
    committing_keys_ = std::exchange(gathered_keys_, {});
    commit_began_ = now();
    if (committing_->entries.empty()) return committed({});
    committer_.post(0, [this, batch = committing_] {
        auto outcome = parts_.ledger.commit(batch->entries);
        post([this, outcome = std::move(outcome)] { committed(outcome); });
    });
}

void Shell::committed(const Status& outcome) {
    const auto batch = std::exchange(committing_, nullptr);
    ledger_ok_ = outcome;
    if (!outcome) return;
    committing_keys_.clear(); // the catalog knows them after this
    if (!batch->entries.empty()) {
        ++metrics_.commits;
        metrics_.records += batch->entries.size();
        metrics_.commit_s.add(static_cast<double>(now() - commit_began_) / second);
    }
    std::map<JobId, std::uint64_t> rings;
    for (const auto& entry : batch->entries) {
        parts_.catalog.apply(entry);
        if (const auto* logged = std::get_if<Logged>(&entry)) rings[logged->job] = logged->seq;
        if (const auto* tile = std::get_if<TileAccepted>(&entry)) {
            ++metrics_.tiles_accepted;
            metrics_.result_bytes += tile->output.size + tile->output.preview_size;
            metrics_.device_s += tile->output.trace_s;
            metrics_.bench_h += tile->output.trace_s * tile->output.score / 3600;
        }
        if (const auto* frame = std::get_if<FrameChanged>(&entry); frame != nullptr && frame->state == FrameState::done)
            ++metrics_.frames_done;
        if (const auto* tile = std::get_if<TileAccepted>(&entry))
            if (const auto worker = workers_.find(tile->worker); worker != workers_.end()) ++worker->second.tiles_done;
        if (const auto* job = std::get_if<JobChanged>(&entry); job != nullptr && job->state == JobState::failed)
            std::fprintf(stderr, "raymill serve: job %s failed: %s\n", job_text(job->job).c_str(), job->fault.message.c_str());
    }
    for (const auto& [job, seq] : rings) bell_.ring(job, seq);
    for (const auto& send : batch->sends) release(send);
    for (const auto& answer : batch->answers) answer();
}

void Shell::release(const Send& send) {
    wire::ToWorker message;
    if (const auto* welcome = std::get_if<SendWelcome>(&send)) {
        message.mutable_welcome()->set_data_port(parts_.data.port());
        message.mutable_welcome()->set_heartbeat_ms(parts_.heartbeat_ms);
        for (const auto& lease : welcome->keep) to_wire(lease, *message.mutable_welcome()->add_keep());
        parts_.control.send_to(welcome->worker, message.SerializeAsString());
    } else if (const auto* assign = std::get_if<SendAssign>(&send)) {
        ++metrics_.leases;
        parts_.control.send_to(assign->worker, assign_message(assign->lease));
    } else if (const auto* revoke = std::get_if<SendRevoke>(&send)) {
        to_wire(revoke->lease, *message.mutable_revoke()->mutable_lease());
        parts_.control.send_to(revoke->worker, message.SerializeAsString());
    } else if (const auto* again = std::get_if<SendHelloAgain>(&send)) {
        message.mutable_hello_again();
        parts_.control.send_to(again->worker, message.SerializeAsString());
    } else if (const auto* answer = std::get_if<SendVerdict>(&send)) {
        const auto upload = uploads_.find({answer->worker, answer->lease});
        verdict(answer->worker, answer->lease,
                answer->accepted ? wire::Verdict::ACCEPTED
                : answer->again  ? wire::Verdict::DAMAGED
                                 : wire::Verdict::NOT_NEEDED,
                upload != uploads_.end() ? upload->second->number : 0);
    }
}

void Shell::submit(const JobRequest& s, std::function<void(Result<JobAnswer>)> answer) {
    const auto later = [&](Result<JobAnswer> result) {
        gate_.then([answer = std::move(answer), result = std::move(result)] { answer(result); });
    };
    if (!s.key.empty()) {
        if (const auto* known = parts_.catalog.by_key(s.tenant, s.key)) return later(JobAnswer{known->row.added.spec.id, false});
        for (const JobsByKey* keys : {&gathered_keys_, &committing_keys_})
            if (const auto pending = keys->find(s.tenant + '\0' + s.key); pending != keys->end())
                return later(JobAnswer{pending->second, false});
    }
    const auto frames = static_cast<std::uint32_t>(std::max<std::size_t>(1, s.settings.frames.size()));
    auto edge = s.settings.tile;
    if (edge == 0)
        edge = choose_tile_edge({.width = s.settings.width,
                                 .height = s.settings.height,
                                 .spp = s.settings.spp,
                                 .frames = frames,
                                 .workers = static_cast<std::uint32_t>(std::max<std::size_t>(2, parts_.farm.worker_count())),
                                 .samples_per_second = parts_.catalog.samples_per_second(),
                                 .max_tiles_a_frame = limits::tiles_a_frame,
                                 .max_tiles_a_job = limits::tiles_a_job});
    const auto tiles = TileGrid{s.settings.width, s.settings.height, edge}.count();
    if (tiles > limits::tiles_a_frame)
        return later(fail(Code::usage, "tile",
                          std::to_string(tiles) + " tiles are too many for one frame (" + std::to_string(limits::tiles_a_frame) +
                              "); choose a larger tile"));
    last_job_ = std::max(last_job_ + 1, static_cast<JobId>(now()));
    const JobSpec spec{last_job_, s.tenant, frames, static_cast<std::uint32_t>(tiles)};
    if (const auto fault = parts_.farm.refuses(spec)) return later(fail(code_named(fault->code), "", fault->message));
    gate_.add(JobAdded{.spec = spec, .scene = s.scene, .name = s.name, .key = s.key, .settings = s.words, .tile_edge = edge, .at = now()});
    if (!s.key.empty()) gathered_keys_[s.tenant + '\0' + s.key] = spec.id;
    // The catalog knows the job after the commit; until then nothing asks it, since sends wait for the commit too.
    apply(JobSubmitted{spec});
    later(JobAnswer{spec.id, true});
}

void Shell::cancel(JobId job, std::function<void()> answer) {
    apply(JobCancelled{job});
    gate_.then(std::move(answer));
}

void Shell::add_scene(const std::string& tenant, const std::string& scene, std::function<void()> answer) {
    gate_.add(SceneAdded{tenant, scene, now()});
    gate_.then(std::move(answer));
}

Metrics Shell::metrics() const {
    auto metrics = metrics_;
    for (const auto& view : parts_.farm.workers()) metrics.workers_busy += view.running > 0 ? 1 : 0;
    metrics.workers = parts_.farm.worker_count();
    metrics.tasks_waiting = parts_.farm.waiting();
    metrics.jobs_open = parts_.farm.open_jobs();
    metrics.uploads = uploads_.size();
    metrics.draining = draining();
    return metrics;
}

std::string Shell::workers_json() const {
    std::map<std::string, std::uint32_t> running;
    for (const auto& view : parts_.farm.workers()) running[view.id] = view.running;
    auto list = nlohmann::json::array();
    for (const auto& [id, row] : workers_) {
        const auto found = running.find(id);
        list.push_back({{"id", id},
                        {"host", row.host},
                        {"device", row.device},
                        {"state", found == running.end() ? "lost"
                                  : found->second > 0    ? "busy"
                                                         : "idle"},
                        {"tiles_done", row.tiles_done},
                        {"score", row.score},
                        {"running", found == running.end() ? 0 : found->second}});
    }
    return nlohmann::json{{"workers", list}}.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

} // namespace raymill::farm
