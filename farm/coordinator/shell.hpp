#pragma once
/// The one thread round the core: what arrives becomes events, the core decides, the batch is committed to the ledger, and only then the
/// sends and answers that hang on it go out. Hashing and disk are done by the pool and come back as work for this thread. So is the commit:
/// while one batch is on its way to the disk the next gathers, so the busier the farm, the more records share an fsync. The core is ahead
/// of the ledger by at most these two batches, and nobody outside hears of anything that the ledger does not have.
#include "farm/coordinator/audit.hpp"
#include "farm/coordinator/catalog.hpp"
#include "farm/coordinator/gate.hpp"
#include "farm/coordinator/metrics.hpp"
#include "farm/coordinator/pool.hpp"
#include "farm/coordinator/submission.hpp"
#include "farm/coordinator/translate.hpp"
#include "farm/coordinator/worker_door.hpp"
#include "farm/ledger/ledger.hpp"
#include "farm/protocol/manifest.hpp"
#include "farm/scheduler/farm.hpp"
#include "farm/store/store.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace raymill::farm {

/// Wakes those who wait for a job's next event. Any thread.
class EventBell {
  public:
    void ring(scheduler::JobId job, std::uint64_t seq);
    /// True when the job has an event above `after`, false when the time is over or the bell was closed.
    bool wait(scheduler::JobId job, std::uint64_t after, std::chrono::milliseconds longest);
    void close();

  private:
    std::mutex mutex_;
    std::condition_variable rung_;
    std::map<scheduler::JobId, std::uint64_t> latest_;
    bool closed_ = false;
};

struct ShellParts {
    Ledger& ledger;
    Store& store;
    Pool& pool;
    PeerBook control, data;
    scheduler::Farm farm;
    Catalog catalog;
    std::uint32_t heartbeat_ms = 2000;
    AuditLog* audit = nullptr; ///< of workers that come, go and are refused; may be null
};

struct JobAnswer {
    scheduler::JobId job = 0;
    bool created = false;
};

class Shell {
  public:
    explicit Shell(ShellParts parts);
    ~Shell();

    /// Works until stop(); an error when the ledger fails, after which the process should end.
    Status run();
    /// From a signal handler too.
    void stop() noexcept;

    /// Any thread: to be done by the shell's thread. Dropped when the shell has stopped.
    void post(std::function<void()> work);
    EventBell& bell() { return bell_; }

    // In posted work only. Answers that hang on the disk come after the commit.
    /// Calls `answer` once all that was decided until now is durable and said: for those who were told what the core thinks.
    void when_durable(std::function<void()> answer) { gate_.then(std::move(answer)); }
    void submit(const JobRequest& submission, std::function<void(Result<JobAnswer>)> answer);
    void cancel(scheduler::JobId job, std::function<void()> answer);
    void add_scene(const std::string& tenant, const std::string& scene, std::function<void()> answer);
    [[nodiscard]] const Catalog& catalog() const { return parts_.catalog; }
    [[nodiscard]] std::uint64_t leased(scheduler::JobId job) const { return parts_.farm.leased(job); }
    [[nodiscard]] std::string workers_json() const;
    [[nodiscard]] Metrics metrics() const;
    [[nodiscard]] bool draining() const { return stop_; }

    /// Microseconds since 1970 by the clock as it was at the start, and a steady clock from there.
    [[nodiscard]] static scheduler::Time now();

  private:
    struct WorkerRow {
        std::string host, device;
        std::uint64_t tiles_done = 0;
        double score = 0;
    };
    struct Upload;

    // shell.cpp
    void apply(const scheduler::Event& event);
    void start_commit();
    void committed(const Status& outcome);
    void release(const scheduler::Send& send);
    void drain_inbox();

    // shell_workers.cpp
    void on_control(const Router::Message& message);
    void on_hello(const Router::Message& message, const wire::FromWorker& body);
    void refuse(const std::string& peer, const std::string& why);
    [[nodiscard]] std::string assign_message(const scheduler::LeaseRef& lease);
    void on_data(const Router::Message& message);
    void on_fetch(const std::string& peer, const wire::Fetch& fetch);
    void on_fetch_chunk_list(const std::string& peer, const wire::FetchChunkList& fetch);
    void send_data(const std::string& peer, const wire::ToWorkerData& message);

    // shell_uploads.cpp
    void on_offer(const std::string& worker, wire::Offer& offer); ///< takes its bytes
    void forget_upload(const std::string& worker, const scheduler::LeaseRef& lease);
    void on_part(const std::string& worker, wire::Part& part); ///< takes its bytes
    void start_upload(const std::string& worker, const scheduler::LeaseRef& lease);
    void store_whole_offers();
    void grant(const Upload& upload, std::uint32_t parts);
    void finish_upload(const Upload& upload, const Status& outcome);
    void verdict(const std::string& worker, const scheduler::LeaseRef& lease, wire::Verdict::Outcome outcome, std::uint64_t number);
    void drop_stale_uploads();

    ShellParts parts_;
    EventBell bell_;
    using JobsByKey = std::map<std::string, scheduler::JobId>; ///< "tenant\0key"
    Gate gate_;                                                ///< gathers what is not committed yet, and what waits for that
    JobsByKey gathered_keys_;                                  ///< of jobs in it
    std::shared_ptr<const Gate::Batch> committing_;            ///< on its way to the disk; none: nothing is
    JobsByKey committing_keys_;                                ///< of jobs in that
    scheduler::Time commit_began_ = 0;
    Status ledger_ok_;
    Metrics metrics_;
    std::map<scheduler::JobId, std::string> assign_heads_; ///< what all assigns of a job have in common, serialised; dropped now and then
    scheduler::JobId last_job_ = 0;
    NameBook names_;
    std::map<std::string, WorkerRow> workers_;
    std::map<std::string, unsigned> fetches_;                                                ///< unanswered, by data peer
    std::map<std::pair<std::string, scheduler::LeaseRef>, std::shared_ptr<Upload>> uploads_; ///< by worker and lease
    std::uint64_t next_upload_ = 1;
    std::vector<std::shared_ptr<Upload>> whole_; ///< results that came with their offer and wait to be stored together
    std::size_t whole_bytes_ = 0;                ///< of those in uploads_
    bool storing_whole_ = false;

    std::mutex inbox_mutex_;
    std::vector<std::function<void()>> inbox_;
    bool closed_ = false;
    std::atomic<bool> stop_ = false;
    int wake_ = -1;                      ///< eventfd
    Pool committer_{1}, whole_store_{1}; ///< their work refers to all of the above: they end first
};

} // namespace raymill::farm
