#include "farm/client/fetch.hpp"

#include "farm/protocol/sha256.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>
#include <unordered_set>

namespace raymill::farm::client {
namespace {

/// A file that is not there until keep(): written under a temporary name, removed with this object otherwise.
class HalfFile {
  public:
    explicit HalfFile(std::filesystem::path target) : target_(std::move(target)) {
        name_ = target_.parent_path() / (".raymill-" + random_hex(8) + ".part");
        fd_ = ::open(name_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    }
    HalfFile(const HalfFile&) = delete;
    HalfFile& operator=(const HalfFile&) = delete;
    ~HalfFile() {
        if (fd_ < 0) return;
        ::close(fd_);
        ::unlink(name_.c_str());
    }

    [[nodiscard]] bool good() const { return fd_ >= 0; }
    [[nodiscard]] Error fault() const { return {Code::io, target_.string(), std::string("cannot be written: ") + std::strerror(errno)}; }

    bool write(std::string_view bytes) {
        while (!bytes.empty()) {
            const auto wrote = ::write(fd_, bytes.data(), bytes.size());
            if (wrote < 0 && errno == EINTR) continue;
            if (wrote < 0) return false;
            bytes.remove_prefix(static_cast<std::size_t>(wrote));
        }
        return true;
    }

    bool start_again() { return ::ftruncate(fd_, 0) == 0 && ::lseek(fd_, 0, SEEK_SET) == 0; }

    Status keep() {
        if (::fsync(fd_) != 0) return std::unexpected(fault());
        if (::rename(name_.c_str(), target_.c_str()) != 0) return std::unexpected(fault());
        ::close(fd_);
        fd_ = -1;
        return {};
    }

  private:
    std::filesystem::path target_, name_;
    int fd_ = -1;
};

} // namespace

Status fetch_frame(Client& client, const std::string& job, const FrameInfo& frame, const std::filesystem::path& target) {
    const std::string where = "job " + job + " frame " + std::to_string(frame.frame);
    if (auto good = check_job_id(job); !good) return good;
    if (frame.state != "done" || !is_sha256(frame.sha256)) return fail(Code::refused, where, "is not done; its state is " + frame.state);
    HalfFile file(target);
    if (!file.good()) return std::unexpected(file.fault());

    auto& http = client.http();
    const auto path = "/v1/jobs/" + job + "/frames/" + std::to_string(frame.frame) + "/image";
    Sha256 hash;
    std::uint64_t have = 0;
    auto since = std::chrono::steady_clock::now();
    for (unsigned tries = 0, mismatches = 0;;) {
        const auto before = have;
        bool too_long = false, full = false;
        const auto answer = http.download_once(path, have, [&](std::string_view bytes) {
            too_long = bytes.size() > frame.size - have;
            full = !too_long && !file.write(bytes);
            if (too_long || full) return false;
            hash.update(bytes);
            have += bytes.size();
            return true;
        });
        if (full) return std::unexpected(file.fault());
        if (http.stopped()) return std::unexpected(http.interrupted());
        if (too_long) return fail(Code::refused, where, "the server sends more than the file's size");
        if (answer && answer->status >= 300 && answer->status < 500 && answer->status != 429)
            return std::unexpected(refusal(*answer, where));
        if (have == frame.size) {
            if (hash.finish() == frame.sha256) return file.keep();
            if (++mismatches == 2)
                return fail(Code::io, where, "what arrives is not what the server has (its hash differs); is a proxy changing it?");
            if (!file.start_again()) return std::unexpected(file.fault());
            have = 0;
            continue;
        }
        if (have > before) since = std::chrono::steady_clock::now(), tries = 0;
        if (!http.back_off(tries++, since)) {
            if (http.stopped()) return std::unexpected(http.interrupted());
            return std::unexpected(!answer                 ? answer.error()
                                   : answer->status >= 300 ? refusal(*answer, where)
                                                           : Error{Code::unreachable, where, "the file does not arrive"});
        }
    }
}

Result<FetchResult> fetch_frames(Client& client, const std::string& job, bool follow, const FrameTarget& target,
                                 const std::function<void(std::int32_t, const std::filesystem::path&)>& on_saved,
                                 const std::function<void(const Event&)>& on_event) {
    FetchResult result;
    std::unordered_set<std::int32_t> saved;
    const auto save = [&](const FrameInfo& frame) -> Status {
        if (frame.state != "done" || saved.contains(frame.frame)) return {};
        const auto file = target(frame.frame);
        if (auto done = fetch_frame(client, job, frame, file); !done) return done;
        saved.insert(frame.frame);
        ++result.saved;
        if (on_saved) on_saved(frame.frame, file);
        return {};
    };
    if (follow) {
        auto ended = client.follow(job, 0, [&](const Event& event) -> Status {
            if (on_event) on_event(event);
            if (event.event != "frame" || event.state != "done" || !event.frame || saved.contains(*event.frame)) return {};
            const auto frame = client.frame(job, *event.frame);
            return frame ? save(*frame) : Status(std::unexpected(frame.error()));
        });
        if (!ended) return std::unexpected(ended.error());
    }
    // Without follow this is all of it; with it, what the events did not name.
    for (std::optional<std::uint64_t> from = 0; from;) {
        const auto page = client.frames(job, *from, from);
        if (!page) return std::unexpected(page.error());
        for (const auto& frame : *page) {
            if (auto done = save(frame); !done) return std::unexpected(done.error());
            result.failed += frame.state == "failed";
        }
    }
    auto state = client.job(job);
    if (!state) return std::unexpected(state.error());
    result.job = std::move(*state);
    return result;
}

} // namespace raymill::farm::client
