#pragma once
/// The scheduling core. Invariant: a task has at most one lease whose result can still be accepted, the one with its newest fence.
/// Why it holds: a task's fences only grow, by one at each lease, and the newest is durable before the lease is sent; a result is accepted
/// only with the newest fence and only once, since acceptance ends the task. A worker that was presumed dead may finish late: if nobody got
/// the task meanwhile its result is as good as any, else its fence is older and its pixels are dropped. Nobody has to know whether it was
/// dead.
///
/// Who gets what: tenants share the leases by their weights at each moment (fair_share.cpp; what does not come out even goes round by time
/// used, and a worker stays with a tenant for `quantum`, since a scene costs time to load); within a tenant the oldest job first; within a
/// job frames that can be finished, then the frame the worker has loaded, then the lowest frame that has the fewest workers. While more
/// tasks wait than workers are connected each worker holds up to its slots, so that it is never idle between two; after that a worker gets
/// a task only when it has none, so that nothing queues behind one worker while others idle.
#include "farm/scheduler/types.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace raymill::farm::scheduler {

struct Options {
    Time lease = 15 * second;           ///< without a heartbeat for so long a worker is lost
    Time quantum = 30 * second;         ///< a worker stays so long with a tenant where another deserves it equally
    Time longest_lease = 3600 * second; ///< renewed or not, a task that is not rendered by then goes to somebody else
    std::uint32_t max_failures = 3;     ///< genuine ones; then the tile is poison and its frame fails
    std::uint32_t max_losses = 16;      ///< lost workers and killed render processes; likewise
    std::uint64_t max_tiles = 1u << 22; ///< of all unfinished jobs together
    std::uint32_t max_tiles_a_job = 1u << 20;
    std::uint32_t max_jobs_a_tenant = 10000; ///< unfinished
};

/// A job as the ledger has it, to go on with after a restart.
struct SavedJob {
    JobSpec spec;
    JobState state = JobState::queued;
    std::vector<TaskChanged> tasks;                            ///< the latest record of each task that is not done
    std::vector<std::pair<std::uint32_t, std::uint32_t>> done; ///< accepted (frame, tile)
    std::vector<FrameChanged> frames;                          ///< the latest record of each frame that has one
};

struct WorkerView {
    WorkerId id;
    std::uint32_t running = 0; ///< leases not rendered yet
};

class Farm {
  public:
    explicit Farm(Options options = {}) : options_(options) {}

    /// Goes on with unfinished jobs. Leases that were open stay open for one lease time, so that their workers can present them. `next_seq`
    /// is above every seq that was ever used. Jobs that need something said at once (all tiles done, frame not finished) get it with the
    /// next apply().
    static Farm restore(Options options, std::vector<SavedJob> jobs, std::uint64_t next_seq, Time now);

    /// The only mutator; total. `now` may not run backwards (an earlier one counts as the latest seen).
    [[nodiscard]] Effects apply(Time now, const Event& event);

    /// When the next Tick has something to do; none: never.
    [[nodiscard]] std::optional<Time> next_deadline() const;

    /// Why a job would not be taken; apply() ignores a JobSubmitted that is refused.
    [[nodiscard]] std::optional<Fault> refuses(const JobSpec& spec) const;

    /// All invariants, by recomputation; ends the process with words where one is broken. For tests and the simulator: it visits
    /// everything.
    void check() const;

    [[nodiscard]] std::vector<WorkerView> workers() const;
    [[nodiscard]] std::size_t worker_count() const { return workers_.size(); } ///< connected
    [[nodiscard]] bool has_worker(const WorkerId& worker) const { return workers_.contains(worker); }
    [[nodiscard]] std::uint64_t leased(JobId job) const; ///< tiles of the job out on a lease
    [[nodiscard]] std::uint64_t waiting() const { return waiting_; }
    [[nodiscard]] std::size_t open_jobs() const { return jobs_.size(); }

  private:
    enum class TaskState : std::uint8_t { waiting, leased, done };
    struct Task {
        std::uint32_t fence = 0;
        std::uint8_t failures = 0, losses = 0;
        TaskState state = TaskState::waiting;
    };
    struct Frame {
        FrameState state = FrameState::queued;
        std::vector<Task> tiles;
        Task finish;
        std::uint32_t next_fresh = 0;     ///< tiles from here on were never leased
        std::set<std::uint32_t> returned; ///< waiting tiles below next_fresh
        bool finish_waiting = false;
        std::uint32_t done = 0;
        std::uint32_t workers = 0; ///< whose latest lease is in this frame
        [[nodiscard]] std::uint32_t waiting_tiles() const {
            return static_cast<std::uint32_t>(tiles.size()) - next_fresh + static_cast<std::uint32_t>(returned.size());
        }
    };
    struct Job {
        JobSpec spec;
        JobState state = JobState::queued;
        std::map<std::uint32_t, Frame> frames; ///< begun and not finished
        std::uint32_t next_frame = 0;          ///< frames from here on were never begun
        std::set<std::uint32_t> open;          ///< frames in `frames` with waiting tiles
        std::set<std::uint32_t> finishing;     ///< frames in `frames` whose finish waits
        std::uint32_t frames_done = 0, frames_failed = 0;
        std::uint64_t tiles_done = 0;
        std::uint32_t input_faults = 0;
        Fault fault; ///< the first failed frame's
        [[nodiscard]] bool has_work() const { return next_frame < spec.frames || !open.empty() || !finishing.empty(); }
    };
    struct Lease {
        WorkerId worker;
        std::uint32_t fence = 0;
        Time deadline = 0;
        bool rendered = false;
        Time given = 0;       ///< since then it occupies its worker
        bool damaged = false; ///< its result arrived damaged once
    };
    struct Worker {
        std::string boot;
        std::uint32_t slots = 2;
        std::uint32_t busy = 0; ///< leases not rendered
        Time deadline = 0;
        std::optional<std::pair<JobId, std::uint32_t>> frame; ///< of the latest lease
        std::string tenant;                                   ///< of the latest lease
        Time tenant_since = 0;
        Time charged_to = 0; ///< until then its time is counted as some tenant's
    };
    struct Tenant {
        std::set<JobId> jobs, with_work;
        std::uint32_t weight = 1;
        std::uint64_t running = 0; ///< leases that are not rendered
        std::uint64_t used = 0;    ///< time of such leases so far, in thousandths of microseconds by weight; starts at what others have
    };
    struct History { ///< of a task that was leased before
        WorkerId last_holder;
        std::set<WorkerId> failed_by;
    };

    // apply.cpp
    void on(const WorkerHello& event);
    void on(const WorkerHeartbeat& event);
    void on(const WorkerGoodbye& event);
    void on(const TaskRendered& event);
    void on(const ResultOffered& event);
    void on(const ResultStored& event);
    void on(const ResultDamaged& event);
    void on(const TaskFailed& event);
    void on(const JobSubmitted& event);
    void on(const JobCancelled& event);
    void on(const Tick& event);
    void accept(const LeaseRef& lease, const WorkerId& worker, const Output& output);
    void fail_frame(Job& job, std::uint32_t frame, const Fault& fault);
    void end_job(JobId id, JobState state, const Fault& fault);
    void end_job_if_over(Job& job);
    void log(const Job& job, const char* what, std::uint32_t frame, std::uint32_t tile, const char* state, const Fault& fault);
    void set_frame_state(Job& job, std::uint32_t index, FrameState state, const Fault& fault = {}, const Output& output = {});

    // leases.cpp (some take copies: their callers' arguments often lie in the containers they change)
    Task* find(const TaskId& task);
    [[nodiscard]] bool holds(const WorkerId& worker, const LeaseRef& lease) const;
    bool adopt(const WorkerId& worker, const Held& held);
    void give(const WorkerId& worker, const TaskId& task);
    void open_lease(const WorkerId& worker, const TaskId& task, bool rendered);
    void close_lease(TaskId task);
    enum class Loss : std::uint8_t { none, counted };
    void requeue(TaskId task, Loss loss, const Fault& fault);
    void drop_worker(WorkerId worker, Loss loss, const Fault& fault);
    void set_frame_of(Worker& worker, std::optional<std::pair<JobId, std::uint32_t>> frame);
    void renew(const TaskId& task, Lease& lease);
    void mark_rendered(const TaskId& task, Lease& lease);
    void put_waiting(const TaskId& task);
    void take_waiting(const TaskId& task);
    void record(const TaskId& task);
    void revoke_all(const TaskId& first, const TaskId& last);
    Frame& begin_frame(Job& job, std::uint32_t index);
    void forget_frame(Job& job, std::uint32_t index);
    void refresh(Job& job);

    // hand_out.cpp
    void hand_out();
    [[nodiscard]] std::optional<TaskId> pick(const WorkerId& id, const Worker& worker);
    /// Tenants with waiting tasks, in the order in which the worker should serve them (fair_share.cpp).
    void order_tenants(const Worker& worker);
    void count_running(const TaskId& task, const Lease& lease, bool begins);
    [[nodiscard]] std::optional<TaskId> pick_in(Job& job, const WorkerId& id, const Worker& worker);
    [[nodiscard]] std::optional<std::uint32_t> pick_tile(const Job& job, std::uint32_t index, const Frame& frame, const WorkerId& id) const;
    [[nodiscard]] bool may_try(const WorkerId& worker, const TaskId& task) const;
    void set_hungry(const WorkerId& id, const Worker& worker, bool present);

    Options options_;
    Time now_ = 0;
    std::uint64_t next_seq_ = 1;
    std::uint64_t used_floor_ = 0;       ///< a tenant that comes has used as much: it owes nothing, and nothing is owed to it
    std::uint64_t waiting_ = 0;          ///< tasks that wait for a worker
    std::uint64_t tiles_unfinished_ = 0; ///< tiles of all jobs in jobs_, done or not
    std::map<JobId, Job> jobs_;          ///< unfinished
    std::map<std::string, Tenant> tenants_;
    std::map<WorkerId, Worker> workers_;            ///< connected
    std::map<TaskId, Lease> leases_;                ///< open; their workers need not be connected (after a restart)
    std::map<WorkerId, std::set<TaskId>> holdings_; ///< the same by worker; no empty sets
    std::map<TaskId, History> histories_;
    std::set<std::pair<Time, TaskId>> lease_deadlines_;
    std::set<std::pair<Time, WorkerId>> worker_deadlines_;
    std::set<std::pair<std::uint32_t, WorkerId>> hungry_; ///< (busy, id) of workers with a free slot
    bool stirred_ = false; ///< something happened since the last hand_out() that may let a waiting task be given
    struct Rank {
        std::uint32_t level;
        bool leaves;
        std::uint64_t used;
        Tenant* tenant;
    };
    std::vector<Rank> order_; ///< of order_tenants(); kept, so that nothing is allocated for each gift
    Effects effects_;
};

/// Edge of a job's square tiles in pixels, fixed for the job when it is submitted: about two seconds of work for one worker that makes
/// `samples_per_second`, but at least four tiles a worker where all frames together give so many, and never so many tiles that a job or
/// frame passes its bound. A power of two from 16 to 1024 (4096 where the bounds ask for it).
struct TilingQuestion {
    std::uint32_t width = 0, height = 0, spp = 0, frames = 1;
    std::uint32_t workers = 1;
    double samples_per_second = 0; ///< of one worker, measured or guessed
    std::uint32_t max_tiles_a_frame = 65536, max_tiles_a_job = 1u << 20;
};
std::uint32_t choose_tile_edge(const TilingQuestion& question);

} // namespace raymill::farm::scheduler
