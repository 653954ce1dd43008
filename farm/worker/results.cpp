#include "farm/worker/results.hpp"

#include "farm/protocol/files.hpp"
#include "farm/protocol/limits.hpp"

#include <algorithm>
#include <cstdio>
#include <fcntl.h>
#include <optional>
#include <random>
#include <unistd.h>

namespace raymill::farm {

namespace fs = std::filesystem;

namespace {
constexpr std::chrono::seconds patience{20}; ///< without any answer
constexpr std::chrono::seconds pause{1};     ///< after "busy" or "damaged"

/// Bytes [offset, offset + size) of a file; none, said on standard error, where they cannot be read.
std::optional<std::string> read_kept(const fs::path& path, std::uint64_t offset, std::uint64_t size) {
    std::string bytes(size, '\0');
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    const auto got = fd >= 0 ? ::pread(fd, bytes.data(), size, static_cast<off_t>(offset)) : -1;
    if (fd >= 0) ::close(fd);
    if (got == static_cast<ssize_t>(size)) return bytes;
    std::fprintf(stderr, "raymill worker: %s cannot be read any more: %s\n", path.c_str(), errno_text().c_str());
    return {};
}

/// Whether the result goes with its offer.
bool fits_an_offer(const wire::Offer& offer) {
    std::uint64_t bytes = 0;
    for (const auto& file : offer.files()) bytes += std::min<std::uint64_t>(file.size(), limits::part_bytes + 1);
    return bytes + offer.ByteSizeLong() <= limits::part_bytes;
}

} // namespace

void LeaseKey::write(wire::LeaseRef& out) const {
    out.set_job(job);
    out.set_frame(frame);
    out.set_tile(tile);
    out.set_fence(fence);
}

std::string LeaseKey::text() const {
    char name[80];
    std::snprintf(name, sizeof name, "%llx-%u-%u-%u", static_cast<unsigned long long>(job), frame, tile, fence);
    return name;
}

Results::Results(fs::path folder) : folder_(std::move(folder)), last_number_(std::uint64_t{std::random_device{}()} << 31) {}

Result<Results> Results::open(const fs::path& folder) {
    Results results(folder);
    if (auto ok = make_private_folder(folder); !ok) return std::unexpected(ok.error());
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder, error)) {
        Held held;
        const auto meta = read_private_file(entry.path() / "offer", 1u << 20);
        bool whole = meta && held.offer.ParseFromString(*meta) && LeaseKey(held.offer.lease()).text() == entry.path().filename();
        for (int i = 0; whole && i < held.offer.files_size(); ++i)
            whole = fs::file_size(entry.path() / std::to_string(i), error) == held.offer.files(i).size();
        if (whole) {
            held.whole = fits_an_offer(held.offer);
            results.held_[LeaseKey(held.offer.lease())] = std::move(held);
        } else
            fs::remove_all(entry.path(), error);
    }
    return results;
}

Status Results::keep(const LeaseKey& lease, const std::vector<fs::path>& files, const wire::Offer& offer) {
    const auto folder = folder_ / lease.text(), temporary = folder_ / (lease.text() + ".tmp");
    std::error_code error;
    fs::remove_all(temporary, error);
    fs::remove_all(folder, error);
    if (auto ok = make_private_folder(temporary); !ok) return ok;
    for (std::size_t i = 0; i < files.size(); ++i) {
        fs::rename(files[i], temporary / std::to_string(i), error);
        if (error) return fail(Code::io, files[i].string(), "cannot be kept: " + error.message());
    }
    if (auto ok = write_private_file(temporary / "offer", offer.SerializeAsString()); !ok) return ok; // syncs the folder too
    fs::rename(temporary, folder, error);
    if (error) return fail(Code::io, folder.string(), "cannot be kept: " + error.message());
    if (auto ok = sync_path(folder_); !ok) return ok;
    auto& held = held_[lease];
    held.offer = offer;
    held.whole = fits_an_offer(offer);
    return {};
}

void Results::drop(const LeaseKey& lease) {
    if (held_.erase(lease) == 0) return;
    std::error_code ignored;
    fs::remove_all(folder_ / lease.text(), ignored);
}

std::vector<LeaseKey> Results::leases() const {
    std::vector<LeaseKey> list;
    for (const auto& [lease, held] : held_) list.push_back(lease);
    return list;
}

void Results::on_grant(const wire::Grant& grant) {
    const auto found = held_.find(LeaseKey(grant.lease()));
    if (found == held_.end() || !found->second.offered || found->second.number != grant.number()) return;
    auto& held = found->second;
    if (!held.granted) {
        held.granted = true;
        held.file = 0;
        held.offset = 0;
        held.credit = 0;
    }
    held.credit = std::min(held.credit + grant.parts(), limits::upload_credit);
    held.moved = Clock::now();
}

bool Results::on_verdict(const wire::Verdict& verdict) {
    const LeaseKey lease(verdict.lease());
    if (verdict.outcome() == wire::Verdict::ACCEPTED || verdict.outcome() == wire::Verdict::NOT_NEEDED) {
        drop(lease);
        return true;
    }
    if (const auto found = held_.find(lease); found != held_.end() && found->second.number == verdict.number()) {
        found->second.offered = found->second.granted = false;
        found->second.not_before = Clock::now() + pause;
    }
    return false;
}

void Results::pump(const Send& send) {
    blocked_ = false;
    const auto now = Clock::now();
    std::uint32_t active[2] = {0, 0}; // in parts, whole
    for (auto& [lease, held] : held_) {
        if (held.offered && now - held.moved > patience) held.offered = held.granted = false;
        active[held.whole] += held.offered ? 1 : 0;
    }
    for (auto& [lease, held] : held_) {
        const auto most = held.whole ? limits::whole_offers_a_worker : limits::uploads_a_worker;
        if (!held.offered && active[held.whole] < most && now >= held.not_before) {
            wire::FromWorkerData message;
            auto& offer = *message.mutable_offer();
            offer = held.offer;
            offer.set_number(++last_number_);
            if (held.whole && !add_files(lease, offer)) { // the disk lost it: nothing to send, the lease will run out
                held.not_before = now + patience;
                continue;
            }
            if (!send(message)) {
                blocked_ = true;
                return;
            }
            held.number = last_number_;
            held.offered = true;
            held.granted = false;
            held.moved = now;
            ++active[held.whole];
        }
        if (held.granted && !send_parts(lease, held, send)) {
            blocked_ = true;
            return;
        }
    }
}

bool Results::add_files(const LeaseKey& lease, wire::Offer& offer) const {
    for (int i = 0; i < offer.files_size(); ++i) {
        auto bytes = read_kept(folder_ / lease.text() / std::to_string(i), 0, offer.files(i).size());
        if (!bytes) return false;
        offer.mutable_files(i)->set_data(std::move(*bytes));
    }
    return true;
}

bool Results::send_parts(const LeaseKey& lease, Held& held, const Send& send) {
    while (held.credit > 0 && held.file < held.offer.files_size()) {
        const auto path = folder_ / lease.text() / std::to_string(held.file);
        const auto size = held.offer.files(held.file).size();
        const auto want = std::min<std::uint64_t>(limits::part_bytes, size - held.offset);
        auto bytes = read_kept(path, held.offset, want);
        if (!bytes) { // the disk lost it: nothing to send, the lease will run out
            held.credit = 0;
            return true;
        }
        wire::FromWorkerData message;
        auto& part = *message.mutable_part();
        lease.write(*part.mutable_lease());
        part.set_file(static_cast<std::uint32_t>(held.file));
        part.set_offset(held.offset);
        part.set_number(held.number);
        part.set_data(std::move(*bytes));
        if (!send(message)) return false;
        --held.credit;
        held.moved = Clock::now();
        held.offset += want;
        if (held.offset == size) {
            ++held.file;
            held.offset = 0;
        }
    }
    return true;
}

void Results::restart() {
    for (auto& [lease, held] : held_) held.offered = held.granted = false;
}

} // namespace raymill::farm
