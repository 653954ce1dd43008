#include "farm/coordinator/audit.hpp"

#include "farm/protocol/files.hpp"
#include "farm/protocol/sha256.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <fcntl.h>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace raymill::farm {
namespace {

using nlohmann::json;

constexpr std::size_t buckets_kept = 4096;
constexpr std::uint64_t longest_line = 8192; ///< in bytes; fields are cut so that none is longer

std::string first_chain() { return std::string(64, '0'); }

std::int64_t now_us() {
    using namespace std::chrono;
    return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
}

/// Cut to `most` bytes, control characters made spaces: a stranger's words must not forge a line or a terminal's commands.
std::string words(const std::string& text, std::size_t most) {
    auto out = text.substr(0, most);
    for (auto& c : out)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
    return out;
}

std::string text_of(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

/// A line as the chain sees it: without its chain.
std::string chained(const std::string& previous, json line) {
    line.erase("chain");
    return sha256_of(previous + text_of(line));
}

/// Full files in order of their first record, then the current one.
std::vector<std::filesystem::path> files_of(const std::filesystem::path& folder) {
    std::vector<std::filesystem::path> files;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
        const auto name = entry.path().filename().string();
        if (name.starts_with("audit-") && name.ends_with(".jsonl")) files.push_back(entry.path());
    }
    std::ranges::sort(files); // names hold the first seq in twenty digits
    if (const auto current = folder / "audit.jsonl"; std::filesystem::exists(current, error)) files.push_back(current);
    return files;
}

struct Locked {
    int fd;
    explicit Locked(int file) : fd(file) {
        while (::flock(fd, LOCK_EX) != 0 && errno == EINTR) {
        }
    }
    ~Locked() { ::flock(fd, LOCK_UN); }
    Locked(const Locked&) = delete;
    Locked& operator=(const Locked&) = delete;
};

} // namespace

Result<std::unique_ptr<AuditLog>> AuditLog::open(const std::filesystem::path& folder, const AuditLimits& limits) {
    std::unique_ptr<AuditLog> log(new AuditLog(folder, limits));
    const auto file = folder / "audit.jsonl";
    log->fd_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (log->fd_ < 0) return fail(Code::io, file.string(), "cannot be opened: " + errno_text());
    log->all_.tokens = 10 * limits.burst;
    log->all_.at = now_us();
    const std::scoped_lock lock(log->mutex_);
    const Locked locked(log->fd_);
    log->size_ = ~0ull; // so that the end is looked at
    if (auto ok = log->catch_up(); !ok) return std::unexpected(ok.error());
    return log;
}

AuditLog::~AuditLog() {
    if (fd_ >= 0) ::close(fd_);
}

/// Where another process wrote, or rotated, since this one did: the end of the file says how to go on. Call it with the file locked.
Status AuditLog::catch_up() {
    const auto file = folder_ / "audit.jsonl";
    struct stat here {
    }, there{};
    for (;;) {
        if (::fstat(fd_, &here) != 0) return fail(Code::io, file.string(), "cannot be looked at: " + errno_text());
        if (::stat(file.c_str(), &there) == 0 && there.st_ino == here.st_ino && there.st_dev == here.st_dev) break;
        const int fresh = ::open(file.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fresh < 0) return fail(Code::io, file.string(), "cannot be opened: " + errno_text());
        ::flock(fd_, LOCK_UN);
        ::dup3(fresh, fd_, O_CLOEXEC); // the lock that the caller holds has to be the new file's
        ::close(fresh);
        while (::flock(fd_, LOCK_EX) != 0 && errno == EINTR) {
        }
        size_ = ~0ull;
    }
    auto size = static_cast<std::uint64_t>(here.st_size);
    if (size == size_) return {};
    const auto tail_begin = size > longest_line ? size - longest_line : 0;
    std::string tail(size - tail_begin, '\0');
    if (::pread(fd_, tail.data(), tail.size(), static_cast<off_t>(tail_begin)) != static_cast<ssize_t>(tail.size()))
        return fail(Code::io, file.string(), "cannot be read: " + errno_text());
    const auto end = tail.rfind('\n');
    const auto torn = tail.size() - (end == std::string::npos ? 0 : end + 1);
    if (torn > 0) {
        size -= torn;
        if (::ftruncate(fd_, static_cast<off_t>(size)) != 0) return fail(Code::io, file.string(), "cannot be mended: " + errno_text());
    }
    size_ = size;
    if (end == std::string::npos) { // an empty file: it goes on from the last full one
        seq_ = 0;
        chain_ = first_chain();
        auto files = files_of(folder_);
        if (files.size() > 1) {
            std::ifstream in(files[files.size() - 2]);
            std::string line, last;
            while (std::getline(in, line)) last = line;
            const auto record = json::parse(last, nullptr, false);
            if (record.is_object() && record.contains("seq") && record["seq"].is_number_unsigned() && record.contains("chain") &&
                record["chain"].is_string()) {
                seq_ = record["seq"].get<std::uint64_t>();
                chain_ = record["chain"].get<std::string>();
            }
        }
    } else {
        const auto begin = end == 0 ? std::string::npos : tail.rfind('\n', end - 1);
        const auto from = begin == std::string::npos ? 0 : begin + 1;
        const auto record = json::parse(tail.substr(from, end - from), nullptr, false);
        if (!record.is_object() || !record.contains("seq") || !record["seq"].is_number_unsigned() || !record.contains("chain") ||
            !record["chain"].is_string())
            return fail(Code::io, file.string(), "its last line is no audit record; move the file away and a new one is begun");
        seq_ = record["seq"].get<std::uint64_t>();
        chain_ = record["chain"].get<std::string>();
    }
    if (torn > 0)
        return append({.who = "raymill", .what = "audit.mended", .from = "here", .detail = "the last line was cut short and is taken off"},
                      now_us(), 0);
    return {};
}

Status AuditLog::rotate() {
    auto digits = std::to_string(seq_);
    digits.insert(0, 20 - digits.size(), '0'); // of the last record in it; the order is the same as by the first
    const auto current = folder_ / "audit.jsonl", full = folder_ / ("audit-" + digits + ".jsonl");
    ::fdatasync(fd_);
    if (::rename(current.c_str(), full.c_str()) != 0) return fail(Code::io, current.string(), "cannot be renamed: " + errno_text());
    if (auto ok = catch_up(); !ok) return ok;
    auto files = files_of(folder_);
    for (std::size_t i = 0; i + limits_.files < files.size(); ++i) ::unlink(files[i].c_str());
    return sync_path(folder_);
}

Status AuditLog::append(const AuditRecord& record, std::int64_t now, std::uint64_t skipped) {
    json line{{"seq", seq_ + 1},
              {"time_us", now},
              {"who", words(record.who, 200)},
              {"what", words(record.what, 64)},
              {"from", words(record.from, 128)},
              {"outcome", words(record.outcome, 32)},
              {"detail", words(record.detail, 500)}};
    if (skipped > 0) line["skipped"] = skipped;
    auto chain = chained(chain_, line);
    line["chain"] = chain;
    const auto text = text_of(line) + "\n";
    const auto wrote = ::write(fd_, text.data(), text.size());
    if (wrote != static_cast<ssize_t>(text.size())) {
        const auto why = errno_text();
        if (wrote > 0) [[maybe_unused]]
            const auto cut = ::ftruncate(fd_, static_cast<off_t>(size_));
        return fail(Code::io, (folder_ / "audit.jsonl").string(), "cannot be written: " + why);
    }
    size_ += text.size();
    ++seq_;
    chain_ = std::move(chain);
    return {};
}

bool AuditLog::allowed(const AuditRecord& record, std::int64_t now, std::uint64_t& skipped) {
    const auto refill = [&](Bucket& bucket, double rate, double most) {
        bucket.tokens = std::min(most, bucket.tokens + rate * static_cast<double>(std::max<std::int64_t>(0, now - bucket.at)) / 1e6);
        bucket.at = now;
    };
    const auto name = words(record.what, 64) + " " + words(record.from, 128);
    if (!buckets_.contains(name)) {
        if (buckets_.size() >= buckets_kept) // those that are full again say nothing
            std::erase_if(buckets_, [&](const auto& entry) {
                const auto& [tokens, at, left_out] = entry.second;
                return left_out == 0 && tokens + limits_.repeats_a_second * static_cast<double>(now - at) / 1e6 >= limits_.burst;
            });
        if (buckets_.size() >= buckets_kept) buckets_.clear(); // a flood from very many places; `all_` still bounds it
        buckets_[name] = {limits_.burst, now, 0};
    }
    auto& bucket = buckets_[name];
    refill(bucket, limits_.repeats_a_second, limits_.burst);
    refill(all_, limits_.refusals_a_second, 10 * limits_.burst);
    if (bucket.tokens < 1 || all_.tokens < 1) {
        ++bucket.skipped;
        return false;
    }
    bucket.tokens -= 1;
    all_.tokens -= 1;
    skipped = std::exchange(bucket.skipped, 0);
    return true;
}

void AuditLog::write(const AuditRecord& record) {
    const auto now = now_us();
    const std::scoped_lock lock(mutex_);
    std::uint64_t skipped = 0;
    if (record.outcome != "done" && !allowed(record, now, skipped)) return;
    const Locked locked(fd_);
    auto ok = catch_up();
    if (ok && size_ >= limits_.file_bytes) ok = rotate();
    if (ok) ok = append(record, now, skipped);
    if (!ok && !complained_) std::fprintf(stderr, "raymill: the audit log: %s\n", ok.error().message().c_str());
    complained_ = !ok;
}

void AuditLog::sync() {
    const std::scoped_lock lock(mutex_);
    ::fdatasync(fd_);
}

Result<AuditLog::Page> AuditLog::read(std::uint64_t after, std::size_t limit) const {
    Page page{.lines = {}, .next = after};
    for (const auto& file : files_of(folder_)) {
        // A full file is named by its last record.
        const auto name = file.filename().string();
        if (name.starts_with("audit-") && std::strtoull(name.c_str() + 6, nullptr, 10) <= after) continue;
        std::ifstream in(file);
        for (std::string line; page.lines.size() < limit && std::getline(in, line);) {
            const auto record = json::parse(line, nullptr, false);
            if (!record.is_object() || !record.contains("seq") || !record["seq"].is_number_unsigned()) continue; // being written just now
            if (const auto seq = record["seq"].get<std::uint64_t>(); seq > after) {
                page.lines.push_back(line);
                page.next = seq;
            }
        }
    }
    return page;
}

Result<std::uint64_t> verify_audit(const std::filesystem::path& folder) {
    std::string chain;
    std::uint64_t count = 0, seq = 0;
    for (const auto& file : files_of(folder)) {
        std::ifstream in(file);
        std::size_t number = 0;
        for (std::string line; std::getline(in, line);) {
            const auto where = file.string() + ":" + std::to_string(++number);
            const auto record = json::parse(line, nullptr, false);
            if (!record.is_object() || !record.contains("seq") || !record["seq"].is_number_unsigned() || !record.contains("chain") ||
                !record["chain"].is_string())
                return fail(Code::bad_input, where, "this is no audit record");
            const auto own = record["seq"].get<std::uint64_t>();
            if (count > 0 ? own != seq + 1 : own == 0) return fail(Code::bad_input, where, "a record before this one is missing");
            if (count == 0 && own == 1) chain = first_chain();
            // Where older files are gone, the first line that is left is taken as it stands.
            if (!chain.empty() && chained(chain, record) != record["chain"].get<std::string>())
                return fail(Code::bad_input, where, "the record was changed, or another process's line stands between");
            chain = record["chain"].get<std::string>();
            seq = own;
            ++count;
        }
    }
    return count;
}

} // namespace raymill::farm
