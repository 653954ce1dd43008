#include "farm/simulate/oracle.hpp"

#include "farm/protocol/sha256.hpp"
#include "farm/scheduler/farm.hpp"

#include <cstdio>
#include <cstdlib>

namespace raymill::farm::simulate {

using namespace scheduler;

void violated(const std::string& promise, const std::string& what) {
    std::fprintf(stderr, "promise broken: %s: %s\n", promise.c_str(), what.c_str());
    std::abort();
}

std::string text(const TaskId& task) {
    return "job " + std::to_string(task.job) + " frame " + std::to_string(task.frame) +
           (task.tile == finish_tile ? " finish" : " tile " + std::to_string(task.tile));
}
std::string text(const LeaseRef& lease) { return text(lease.task) + " fence " + std::to_string(lease.fence); }
std::string pixels_of(const TaskId& task) { return "pixels of " + text(task); }

void Oracle::mix(const std::string& words) {
    for (const char c : words) mix(static_cast<std::uint64_t>(static_cast<unsigned char>(c)));
}

Oracle::Job& Oracle::job_of(JobId id, const char* what) {
    const auto found = jobs_.find(id);
    if (found == jobs_.end()) violated("records are of jobs that are durable", std::string(what) + " of job " + std::to_string(id));
    return found->second;
}

void Oracle::check_stored(const TaskId& task, const std::string& tenant, const Output& output) const {
    const auto* bytes = store_.find(tenant, output.sha256);
    if (bytes == nullptr) violated("what is accepted is stored", text(task) + ": its tenant's store has no such blob");
    if (sha256_of(*bytes) != output.sha256 || *bytes != pixels_of(task))
        violated("what is accepted has the right bytes", text(task) + ": the blob says '" + *bytes + "'");
}

void Oracle::set_holder(const TaskId& task, const std::string& worker) {
    if (const auto old = holders_.find(task); old != holders_.end()) {
        holdings_[old->second].erase(task);
        holders_.erase(old);
    }
    if (worker.empty()) return;
    holders_[task] = worker;
    holdings_[worker].insert(task);
}

bool Oracle::is_over(JobId id) const {
    const auto found = jobs_.find(id);
    return found != jobs_.end() && found->second.state != JobState::queued && found->second.state != JobState::running;
}

void Oracle::on_durable(const Entry& entry) {
    mix(entry.index());
    if (const auto* added = std::get_if<JobAdded>(&entry)) {
        Job job;
        job.spec = added->spec;
        job.key = added->key;
        if (!jobs_.emplace(added->spec.id, std::move(job)).second) violated("a job's id is its own", std::to_string(added->spec.id));
        if (!added->key.empty() && !keys_.emplace(std::pair(added->spec.tenant, added->key), added->spec.id).second)
            violated("the same key twice is one job", added->spec.tenant + " " + added->key);
        auto& mine = unfinished_[added->spec.tenant];
        mine.insert(added->spec.id);
        if (mine.size() > Options{}.max_jobs_a_tenant) violated("no cap is passed", "unfinished jobs of " + added->spec.tenant);
        mix(added->spec.id);
    } else if (const auto* task = std::get_if<TaskChanged>(&entry)) {
        job_of(task->task.job, "a task");
        auto& known = tasks_[task->task];
        if (known.accepted) violated("an accepted tile is over", text(task->task) + " was leased or put back");
        if (task->fence < known.fence) violated("fences only grow", text(task->task) + " from " + std::to_string(known.fence));
        known.fence = task->fence;
        known.batch = batch_;
        set_holder(task->task, task->holder);
        mix(task->task.tile * 31ull + task->fence);
        mix(task->holder);
    } else if (const auto* tile = std::get_if<TileAccepted>(&entry)) {
        auto& job = job_of(tile->task.job, "a tile");
        auto& known = tasks_[tile->task];
        if (known.accepted) violated("a tile is accepted at most once", text(tile->task));
        if (tile->fence != known.fence) violated("a stale fence is not accepted", text(LeaseRef{tile->task, tile->fence}));
        known.accepted = true;
        set_holder(tile->task, "");
        if (is_over(tile->task.job)) violated("a job that is over takes nothing more", text(tile->task));
        if (!granted_.contains({{tile->task, tile->fence}, tile->worker}))
            violated("a tile is accepted from whom it was leased to", text(LeaseRef{tile->task, tile->fence}) + " from " + tile->worker);
        check_stored(tile->task, job.spec.tenant, tile->output);
        ++job.accepted;
        ++accepted_;
        job.billed.samples += tile->output.samples;
        mix(tile->task.frame * 7919ull + tile->task.tile);
        mix(tile->worker);
    } else if (const auto* frame = std::get_if<FrameChanged>(&entry)) {
        auto& job = job_of(frame->job, "a frame");
        if (frame->state == FrameState::done || frame->state == FrameState::failed)
            if (!job.frames_over.insert(frame->frame).second) violated("a frame ends once", text(TaskId{frame->job, frame->frame, 0}));
        if (frame->state == FrameState::done) {
            ++job.frames_done;
            set_holder({frame->job, frame->frame, finish_tile}, "");
            for (std::uint32_t k = 0; k < job.spec.tiles; ++k)
                if (!tasks_[{frame->job, frame->frame, k}].accepted)
                    violated("a finished frame has all its tiles", text(TaskId{frame->job, frame->frame, k}));
            check_stored({frame->job, frame->frame, finish_tile}, job.spec.tenant, frame->output);
        }
        if (frame->state == FrameState::failed) {
            bool reason = frame->fault.message.find("was lost") != std::string::npos;
            for (const auto& one : poison_) reason = reason || (one.job == frame->job && one.frame == frame->frame);
            for (auto at = failures_.lower_bound({frame->job, frame->frame, 0});
                 at != failures_.end() && at->first.job == frame->job && at->first.frame == frame->frame; ++at)
                reason = reason || at->second >= Options{}.max_failures;
            if (!reason) violated("only poison fails a frame", text(TaskId{frame->job, frame->frame, 0}) + ": " + frame->fault.message);
        }
        mix(frame->frame * 5ull + static_cast<unsigned>(frame->state));
    } else if (const auto* changed = std::get_if<JobChanged>(&entry)) {
        auto& job = job_of(changed->job, "a change");
        if (is_over(changed->job)) violated("a job ends once", std::to_string(changed->job));
        job.state = changed->state;
        if (changed->state == JobState::done &&
            (job.frames_done != job.spec.frames || job.accepted != std::uint64_t{job.spec.frames} * job.spec.tiles))
            violated("a job that is done has all its frames", std::to_string(changed->job));
        if (changed->state == JobState::cancelled && !cancellable_.contains(changed->job))
            violated("only its owner cancels a job", std::to_string(changed->job));
        if (changed->state == JobState::failed && changed->fault.code == "bad_input" && !broken_.contains(changed->job))
            violated("a sound job does not fail for its input", std::to_string(changed->job));
        if (is_over(changed->job)) {
            unfinished_[job.spec.tenant].erase(changed->job);
            granted_.erase(granted_.lower_bound({{{changed->job, 0, 0}, 0}, ""}),
                           granted_.lower_bound({{{changed->job + 1, 0, 0}, 0}, ""}));
        }
        mix(changed->job * 11 + static_cast<unsigned>(changed->state));
    } else if (const auto* logged = std::get_if<Logged>(&entry)) {
        if (logged->seq <= last_seq_) violated("an event's number is above all before it", std::to_string(logged->seq));
        last_seq_ = logged->seq;
        mix(logged->seq);
    }
}

void Oracle::on_send(const Send& send) {
    mix(100 + send.index());
    if (const auto* assign = std::get_if<SendAssign>(&send)) {
        auto& known = tasks_[assign->lease.task];
        if (known.fence < assign->lease.fence)
            violated("a lease is durable before it is sent", text(assign->lease) + " to " + assign->worker);
        if (assign->lease.fence <= known.released) violated("fences only grow", text(assign->lease) + " is given a second time");
        known.released = assign->lease.fence;
        granted_[{assign->lease, assign->worker}] = true;
    } else if (const auto* welcome = std::get_if<SendWelcome>(&send)) {
        const std::set<LeaseRef> keep(welcome->keep.begin(), welcome->keep.end());
        for (const auto& task : holdings_[welcome->worker]) {
            const auto& known = tasks_[task];
            // What was recorded with the welcome was given or taken up again after it.
            if (known.batch != batch_ && !is_over(task.job) && !jobs_.at(task.job).frames_over.contains(task.frame) &&
                !keep.contains({task, known.fence}))
                violated("what a worker does not present in its hello is not its any more", text(task) + " stays with " + welcome->worker);
        }
    } else if (const auto* verdict = std::get_if<SendVerdict>(&send)) {
        if (!verdict->accepted) ++turned_down_;
        const auto& task = verdict->lease.task;
        const auto job = jobs_.find(task.job);
        if (verdict->accepted && task.tile != finish_tile && !tasks_[task].accepted)
            violated("a result is acknowledged after it is durable", text(verdict->lease));
        if (verdict->accepted && task.tile == finish_tile && (job == jobs_.end() || !job->second.frames_over.contains(task.frame)))
            violated("a result is acknowledged after it is durable", text(verdict->lease));
    }
}

void Oracle::on_acknowledged(JobId id, const std::string& tenant, const std::string& key) {
    auto& job = job_of(id, "an answer");
    if (job.spec.tenant != tenant || job.key != key)
        violated("no tenant sees another's ids", tenant + " was told of job " + std::to_string(id));
    job.acknowledged = true;
}

void Oracle::on_read(const std::string& tenant, JobId asked, const Logged& event) {
    const auto& job = job_of(event.job, "an event");
    if (event.job != asked || job.spec.tenant != tenant)
        violated("no tenant sees another's ids", tenant + " read of job " + std::to_string(event.job));
}

void Oracle::at_the_end(Ledger& ledger) const {
    const auto rows = *ledger.jobs();
    std::map<JobId, const JobRow*> by_id;
    for (const auto& row : rows) by_id[row.added.spec.id] = &row;
    for (const auto& [id, job] : jobs_) {
        const auto name = "job " + std::to_string(id);
        const auto found = by_id.find(id);
        if (found == by_id.end()) violated("acknowledged work is never lost", name);
        if (!is_over(id)) violated("every job ends", name);
        if (found->second->state != job.state) violated("a job's end stays", name);
        if (found->second->tiles_done != job.accepted || found->second->stats.samples != job.billed.samples)
            violated("billed is what was accepted", name);
    }
}

} // namespace raymill::farm::simulate
