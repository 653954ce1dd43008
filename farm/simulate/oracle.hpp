#pragma once
/// What must hold whatever happens, kept apart from the core: the oracle sees what became durable and what was said, and nothing of the
/// core's own state. The first thing that does not hold ends the run: violated() prints it and aborts.
#include "farm/ledger/ledger.hpp"
#include "farm/simulate/disk.hpp"

#include <functional>
#include <set>
#include <string>
#include <unordered_map>

namespace raymill::farm::simulate {

[[noreturn]] void violated(const std::string& promise, const std::string& what);
std::string text(const scheduler::TaskId& task);
std::string text(const scheduler::LeaseRef& lease);

/// What a worker makes of a task: so that a mix-up of tiles, frames or tenants shows in the bytes.
std::string pixels_of(const scheduler::TaskId& task);

class Oracle {
  public:
    explicit Oracle(const SimStore& store) : store_(store) {}

    void on_durable(const Entry& entry);
    void next_batch() { ++batch_; }            ///< before each commit
    void on_send(const scheduler::Send& send); ///< released to the world
    void on_acknowledged(scheduler::JobId job, const std::string& tenant, const std::string& key);
    void on_read(const std::string& tenant, scheduler::JobId asked, const scheduler::Logged& event);
    /// The owner asked for it, so that a cancelled job is no violation.
    void may_cancel(scheduler::JobId job) { cancellable_.insert(job); }
    void may_fail_input(scheduler::JobId job) { broken_.insert(job); }
    void is_poison(const scheduler::TaskId& task) { poison_.insert(task); }
    void on_genuine_failure(const scheduler::TaskId& task) { ++failures_[task]; }
    /// After everything: what was acknowledged has ended, and as it should have.
    void at_the_end(Ledger& ledger) const;

    [[nodiscard]] std::uint64_t hash() const { return hash_; }
    [[nodiscard]] std::uint64_t accepted() const { return accepted_; }
    [[nodiscard]] std::uint64_t turned_down() const { return turned_down_; }
    [[nodiscard]] bool is_over(scheduler::JobId job) const;

  private:
    struct Task {
        std::uint32_t fence = 0;    ///< newest durable
        std::uint32_t released = 0; ///< newest told to a worker
        bool accepted = false;
        std::uint64_t batch = 0; ///< of its latest record
    };
    struct Job {
        scheduler::JobSpec spec;
        std::string key;
        scheduler::JobState state = scheduler::JobState::queued;
        bool acknowledged = false;
        std::uint64_t accepted = 0;
        std::uint32_t frames_done = 0;
        scheduler::Output billed;
        std::set<std::uint32_t> frames_over;
    };
    struct TaskHash {
        std::size_t operator()(const scheduler::TaskId& t) const {
            return std::hash<std::uint64_t>{}(t.job * 0x9e3779b97f4a7c15 ^ (std::uint64_t{t.frame} << 32 | t.tile) * 0xbf58476d1ce4e5b9);
        }
    };
    void mix(std::uint64_t value) { hash_ = (hash_ ^ value) * 0x100000001b3 + (hash_ >> 29); }
    void mix(const std::string& words);
    Job& job_of(scheduler::JobId id, const char* what);
    void check_stored(const scheduler::TaskId& task, const std::string& tenant, const scheduler::Output& output) const;

    const SimStore& store_;
    std::unordered_map<scheduler::TaskId, Task, TaskHash> tasks_;
    std::map<scheduler::JobId, Job> jobs_;
    std::map<std::pair<std::string, std::string>, scheduler::JobId> keys_;
    std::set<scheduler::JobId> cancellable_, broken_;
    std::set<scheduler::TaskId> poison_;
    std::map<scheduler::TaskId, unsigned> failures_;
    std::map<std::pair<scheduler::LeaseRef, std::string>, bool> granted_; ///< leases that were told to a worker, open jobs' only
    std::map<std::string, std::set<scheduler::JobId>> unfinished_;        ///< by tenant
    std::uint64_t hash_ = 0xcbf29ce484222325, accepted_ = 0, turned_down_ = 0, last_seq_ = 0, batch_ = 0;
    std::map<std::string, std::set<scheduler::TaskId>> holdings_; ///< open leases by worker, as they are durable
    std::map<scheduler::TaskId, std::string> holders_;
    void set_holder(const scheduler::TaskId& task, const std::string& worker);
};

} // namespace raymill::farm::simulate
