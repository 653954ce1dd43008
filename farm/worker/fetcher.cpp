#include "farm/worker/fetcher.hpp"

#include "farm/protocol/files.hpp"
#include "farm/protocol/limits.hpp"

#include <algorithm>
#include <fcntl.h>
#include <set>
#include <unistd.h>

namespace raymill::farm {

Fetcher::Download::~Download() {
    if (fd >= 0) ::close(fd);
}

void Fetcher::want(std::uint64_t job, const std::string& sha256) {
    const auto [found, fresh] = downloads_.try_emplace(sha256);
    found->second.job = job; // the latest job: an earlier one may be over and forgotten
    if (fresh) order_.push_back(sha256);
}

void Fetcher::pump() {
    blocked_ = false;
    const auto now = Clock::now();
    for (const auto& sha256 : order_) {
        auto& download = downloads_.at(sha256);
        if (download.under_way > 0 && now - download.heard > std::chrono::seconds(20)) {
            under_way_ -= download.under_way;
            download.under_way = 0;
            download.asked = download.received;
        }
        // The first part says how long the blob is; after that several are under way.
        while (under_way_ < limits::fetches_a_worker && (download.sized ? download.asked < download.total : download.under_way == 0)) {
            wire::FromWorkerData message;
            message.mutable_fetch()->set_job(download.job);
            message.mutable_fetch()->set_sha256(sha256);
            message.mutable_fetch()->set_offset(download.asked);
            if (!send_(message)) {
                blocked_ = true;
                return;
            }
            if (download.under_way == 0) download.heard = now;
            download.asked += limits::part_bytes;
            ++download.under_way;
            ++under_way_;
        }
        if (under_way_ >= limits::fetches_a_worker) return;
    }
}

void Fetcher::on_part(const wire::BlobPart& part) {
    const auto found = downloads_.find(part.sha256());
    if (found == downloads_.end()) return;
    auto& download = found->second;
    if (download.under_way > 0) {
        --download.under_way;
        --under_way_;
    }
    download.heard = Clock::now();
    const auto sha256 = found->first;
    if (!part.error().empty()) return finish(sha256, fail(Code::failed, sha256, part.error()));
    if (part.offset() != download.received) return; // an answer from before a new connection
    if (part.total() > limits::frame_file || (download.sized && part.total() != download.total) ||
        part.data().size() > part.total() - part.offset() || (part.data().empty() && part.total() != part.offset()))
        return finish(sha256, fail(Code::failed, sha256, "the server sent parts that do not fit together"));
    download.total = part.total();
    download.sized = true;
    if (!download.begun) {
        download.fd = ::open(cache_.temporary(sha256).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        download.begun = true;
    }
    std::string_view bytes = part.data();
    download.hash.update(bytes);
    download.received += bytes.size();
    while (!bytes.empty()) {
        const auto wrote = download.fd >= 0 ? ::write(download.fd, bytes.data(), bytes.size()) : -1;
        if (wrote <= 0) return finish(sha256, fail(Code::io, cache_.temporary(sha256).string(), "cannot be written: " + errno_text()));
        bytes.remove_prefix(static_cast<std::size_t>(wrote));
    }
    if (download.received < download.total) return;
    if (download.hash.finish() != sha256) return finish(sha256, fail(Code::failed, sha256, "the server sent bytes with another hash"));
    finish(sha256, cache_.add(cache_.temporary(sha256), sha256));
}

void Fetcher::finish(const std::string& sha256, const Status& outcome) {
    if (!outcome) ::unlink(cache_.temporary(sha256).c_str());
    under_way_ -= downloads_.at(sha256).under_way;
    downloads_.erase(sha256);
    std::erase(order_, sha256);
    done_(sha256, outcome);
}

void Fetcher::restart() {
    for (auto& [sha256, download] : downloads_) {
        download.under_way = 0;
        download.asked = download.received;
    }
    under_way_ = 0;
}

void Fetcher::keep_only(const std::set<std::string>& wanted) {
    for (auto at = downloads_.begin(); at != downloads_.end();) {
        if (wanted.contains(at->first)) {
            ++at;
            continue;
        }
        under_way_ -= at->second.under_way;
        ::unlink(cache_.temporary(at->first).c_str());
        at = downloads_.erase(at);
    }
    std::erase_if(order_, [&](const auto& sha256) { return !downloads_.contains(sha256); });
}

} // namespace raymill::farm
