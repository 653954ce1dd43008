#pragma once
/// The audit log: who did or tried what, when, from where, and with what outcome. Append-only JSON lines in the data folder, each with a
/// hash over itself and the line before, so that a line changed or taken out in the middle shows. Any thread, and several processes (a
/// running server and `raymill key --data`) may write at once. What strangers can cause is bounded twice: repeats of one refusal from one
/// place are counted instead of written, and the oldest files go when there are too many.
///
/// A line: {"seq", "time_us", "who", "what", "from", "outcome", "detail", "skipped"?, "chain"}; `skipped` is how many records like this one
/// were left out since the last; `chain` is SHA-256 of the previous chain (64 zeros before the first) and the line as it would be without
/// it.
#include "renderer/base/error.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace raymill::farm {

struct AuditRecord {
    std::string who;              ///< "tenant studio, key 1f2e3d4c", "worker gpu1-a1b2c3", "nobody"
    std::string what;             ///< a word of the form thing.act: "job.submit", "http.refused", "key.make"
    std::string from;             ///< an address, or "here" for a command on the data folder
    std::string outcome = "done"; ///< "done", or a name of raymill::Code
    std::string detail = {};      ///< what it was about, in words; never a secret
};

struct AuditLimits {
    std::uint64_t file_bytes = 64ull << 20; ///< then a new file is begun
    std::size_t files = 16;                 ///< kept, the current one among them
    double repeats_a_second = 1;            ///< records of one refusal from one place, after `burst`
    double burst = 20;
    double refusals_a_second = 50; ///< of all refusals together, after ten times `burst`
};

class AuditLog {
  public:
    /// Goes on in `folder`/audit.jsonl; a last line that a crash cut short is taken off, and a record says so.
    static Result<std::unique_ptr<AuditLog>> open(const std::filesystem::path& folder, const AuditLimits& limits = {});
    ~AuditLog();
    AuditLog(const AuditLog&) = delete;
    AuditLog& operator=(const AuditLog&) = delete;

    /// Written when it returns; over a power cut only what sync() followed is certain. A record whose outcome is not "done" may be counted
    /// instead. Where the disk refuses, one line on standard error says so and the farm goes on.
    void write(const AuditRecord& record);
    /// What was written is durable when it returns.
    void sync();

    struct Page {
        std::vector<std::string> lines; ///< JSON objects, in order
        std::uint64_t next = 0;         ///< seq of the last one; what was asked for where there is none
    };
    /// Records with a seq above `after`, at most `limit`.
    [[nodiscard]] Result<Page> read(std::uint64_t after, std::size_t limit) const;

  private:
    AuditLog(std::filesystem::path folder, const AuditLimits& limits) : folder_(std::move(folder)), limits_(limits) {}
    struct Bucket {
        double tokens = 0;
        std::int64_t at = 0;
        std::uint64_t skipped = 0;
    };
    bool allowed(const AuditRecord& record, std::int64_t now, std::uint64_t& skipped);
    Status append(const AuditRecord& record, std::int64_t now, std::uint64_t skipped);
    Status catch_up();
    Status rotate();

    std::filesystem::path folder_;
    AuditLimits limits_;
    std::mutex mutex_;
    int fd_ = -1;
    std::uint64_t size_ = 0, seq_ = 0; ///< of the file as this process knows it
    std::string chain_;
    std::map<std::string, Bucket> buckets_; ///< by what and from
    Bucket all_;
    bool complained_ = false;
};

/// How many records the files in `folder` hold, every line's chain checked; Code::bad_input names the first line that does not fit.
Result<std::uint64_t> verify_audit(const std::filesystem::path& folder);

} // namespace raymill::farm
