#include "farm/store/packs.hpp"

#include "farm/protocol/files.hpp"
#include "farm/protocol/sha256.hpp"
#include "farm/store/file_io.hpp"
#include "renderer/base/check.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <fcntl.h>
#include <set>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

namespace raymill::farm {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t head_bytes = 40;
constexpr char magic[4] = {'R', 'M', 'B', '1'};
constexpr std::size_t index_row = 48; ///< hash, offset (8), size (8)

struct Closer {
    int fd;
    ~Closer() {
        if (fd >= 0) ::close(fd);
    }
};

void put_number(char* into, std::uint64_t value, std::size_t bytes) {
    for (std::size_t i = 0; i < bytes; ++i) into[i] = static_cast<char>((value >> (8 * i)) & 0xff);
}

std::uint64_t number_at(const char* from, std::size_t bytes) {
    std::uint64_t value = 0;
    for (std::size_t i = bytes; i-- > 0;) value = (value << 8) | static_cast<unsigned char>(from[i]);
    return value;
}

} // namespace

Packs::Hash Packs::binary(const std::string& sha256) {
    CHECK_TRUE(is_sha256(sha256));
    Hash hash{};
    const auto digit = [](char c) { return static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10); };
    for (std::size_t i = 0; i < hash.size(); ++i) hash[i] = static_cast<std::uint8_t>(digit(sha256[2 * i]) << 4 | digit(sha256[2 * i + 1]));
    return hash;
}

std::string Packs::text(const Hash& hash) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string text;
    for (const auto byte : hash) (text += digits[byte >> 4]) += digits[byte & 15];
    return text;
}

fs::path Packs::pack_file(std::uint32_t pack) const { return folder_ / (std::to_string(pack) + ".pack"); }
fs::path Packs::index_file(std::uint32_t pack) const { return folder_ / (std::to_string(pack) + ".idx"); }

Result<std::unique_ptr<Packs>> Packs::open(const fs::path& folder, std::uint64_t full_at) {
    if (auto ok = make_private_folder(folder); !ok) return std::unexpected(ok.error());
    std::unique_ptr<Packs> packs(new Packs(folder, full_at));
    std::error_code error;
    std::set<std::uint32_t> numbers;
    for (const auto& entry : fs::directory_iterator(folder, error)) {
        const auto name = entry.path().filename().string();
        std::uint32_t number = 0;
        const auto [end, bad] = std::from_chars(name.data(), name.data() + name.size(), number);
        if (bad == std::errc() && std::string_view(end, static_cast<std::size_t>(name.data() + name.size() - end)) == ".pack")
            numbers.insert(number);
    }
    if (error) return fail(Code::io, folder.string(), "the packs cannot be read: " + error.message());
    for (const auto number : numbers) {
        packs->newest_ = number;
        if (fs::exists(packs->index_file(number), error)) {
            if (auto ok = packs->load_index(number); !ok) return std::unexpected(ok.error());
            continue;
        }
        // The newest one, or one whose closing was cut short: it gets its index now.
        if (auto ok = packs->scan(number); !ok) return std::unexpected(ok.error());
        if (auto ok = packs->close_pack(); !ok) return std::unexpected(ok.error());
    }
    return packs;
}

Packs::~Packs() {
    if (fd_ >= 0) ::close(fd_);
}

Status Packs::load_index(std::uint32_t pack) {
    struct stat info {};
    if (::stat(pack_file(pack).c_str(), &info) != 0) return fail(Code::io, pack_file(pack).string(), "cannot be read: " + errno_text());
    const auto rows = read_small_file(index_file(pack), 1ull << 30);
    if (!rows) return std::unexpected(rows.error());
    if (rows->size() % index_row != 0) return fail(Code::io, index_file(pack).string(), "the index is damaged; delete it and start again");
    const std::unique_lock lock(mutex_);
    packs_[pack] = static_cast<std::uint64_t>(info.st_size);
    places_.reserve(places_.size() + rows->size() / index_row);
    for (std::size_t at = 0; at < rows->size(); at += index_row) {
        Hash hash{};
        std::memcpy(hash.data(), rows->data() + at, hash.size());
        places_[hash] = {pack, static_cast<std::uint32_t>(number_at(rows->data() + at + 40, 8)), number_at(rows->data() + at + 32, 8)};
    }
    return {};
}

/// Reads a pack's records, checks each, and cuts off what is not sound.
Status Packs::scan(std::uint32_t pack) {
    const auto path = pack_file(pack);
    const Closer file{::open(path.c_str(), O_RDWR | O_CLOEXEC)};
    struct stat info {};
    if (file.fd < 0 || ::fstat(file.fd, &info) != 0) return fail(Code::io, path.string(), "cannot be read: " + errno_text());
    const auto end = static_cast<std::uint64_t>(info.st_size);
    std::uint64_t at = 0;
    unindexed_.clear();
    while (at + head_bytes <= end) {
        const auto head = read_at(file.fd, path, at, head_bytes);
        if (!head) return std::unexpected(head.error());
        const auto size = number_at(head->data() + 4, 4);
        if (std::memcmp(head->data(), magic, 4) != 0 || size > largest_blob || size > end - at - head_bytes) break;
        const auto bytes = read_at(file.fd, path, at + head_bytes, size);
        if (!bytes) return std::unexpected(bytes.error());
        Hash hash{};
        std::memcpy(hash.data(), head->data() + 8, hash.size());
        if (binary(sha256_of(*bytes)) != hash) break;
        unindexed_.emplace_back(hash, Place{pack, static_cast<std::uint32_t>(size), at + head_bytes});
        at += head_bytes + size;
    }
    if (at < end && (::ftruncate(file.fd, static_cast<off_t>(at)) != 0 || ::fsync(file.fd) != 0))
        return fail(Code::io, path.string(), "its torn end cannot be cut off: " + errno_text());
    const std::unique_lock lock(mutex_);
    packs_[pack] = at;
    for (const auto& [hash, place] : unindexed_) places_[hash] = place;
    return {};
}

/// Writes the newest pack's index; an empty pack is removed.
Status Packs::close_pack() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
    if (unindexed_.empty()) {
        const std::unique_lock lock(mutex_);
        packs_.erase(newest_);
        ::unlink(pack_file(newest_).c_str());
        return {};
    }
    std::string rows(unindexed_.size() * index_row, '\0');
    auto* at = rows.data();
    for (const auto& [hash, place] : unindexed_) {
        std::memcpy(at, hash.data(), hash.size());
        put_number(at + 32, place.offset, 8);
        put_number(at + 40, place.size, 8);
        at += index_row;
    }
    if (auto ok = write_private_file(index_file(newest_), rows); !ok) return ok;
    unindexed_.clear();
    return {};
}

Status Packs::start_pack() {
    const auto path = pack_file(newest_ + 1);
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0) return fail(Code::io, path.string(), "cannot be written: " + errno_text());
    if (auto ok = sync_path(folder_); !ok) {
        ::close(fd);
        return ok;
    }
    fd_ = fd;
    ++newest_;
    const std::unique_lock lock(mutex_);
    packs_[newest_] = 0;
    return {};
}

Status Packs::write(std::span<const Blob> blobs, bool again) {
    const std::scoped_lock writing(writing_);
    if (fd_ >= 0 && (broken_ || packs_.at(newest_) >= full_)) // only this thread changes it, under both locks
        if (auto ok = close_pack(); !ok) return ok;
    broken_ = false;
    std::vector<std::pair<Hash, Place>> places;
    std::set<Hash> seen;
    std::string bytes;
    if (fd_ < 0)
        if (auto ok = start_pack(); !ok) return ok;
    const auto begin = packs_.at(newest_);
    for (const auto& blob : blobs) {
        CHECK_AT_MOST(blob.bytes.size(), largest_blob);
        const auto hash = binary(blob.sha256);
        if (!again) {
            const std::shared_lock lock(mutex_);
            if (places_.contains(hash)) continue;
        }
        if (!seen.insert(hash).second) continue;
        char head[head_bytes];
        std::memcpy(head, magic, 4);
        put_number(head + 4, blob.bytes.size(), 4);
        std::memcpy(head + 8, hash.data(), hash.size());
        bytes.append(head, head_bytes);
        places.emplace_back(hash, Place{newest_, static_cast<std::uint32_t>(blob.bytes.size()), begin + bytes.size()});
        bytes += blob.bytes;
    }
    if (places.empty()) return {};
    const auto path = pack_file(newest_);
    auto ok = write_all(fd_, path, bytes);
    if (ok && ::fdatasync(fd_) != 0) ok = fail(Code::io, path.string(), "fsync failed: " + errno_text());
    if (!ok) {
        // What a failed write or fsync left there is unknown: it is cut off, and nothing follows it in this pack.
        if (::ftruncate(fd_, static_cast<off_t>(begin)) != 0) ok.error().what += "; and its end cannot be cut off";
        broken_ = true;
        return ok;
    }
    const std::unique_lock lock(mutex_);
    packs_[newest_] = begin + bytes.size();
    for (const auto& [hash, place] : places) places_[hash] = place;
    unindexed_.insert(unindexed_.end(), places.begin(), places.end());
    return {};
}

std::optional<std::uint64_t> Packs::size(const std::string& sha256) const {
    const auto hash = binary(sha256);
    const std::shared_lock lock(mutex_);
    const auto found = places_.find(hash);
    if (found == places_.end()) return {};
    return found->second.size;
}

std::optional<Result<std::string>> Packs::read(const std::string& sha256, std::uint64_t offset, std::size_t limit) const {
    const auto hash = binary(sha256);
    for (int attempt = 0; attempt < 3; ++attempt) { // a sweep may move it between the look-up and the opening
        Place place;
        {
            const std::shared_lock lock(mutex_);
            const auto found = places_.find(hash);
            if (found == places_.end()) return {};
            place = found->second;
        }
        const auto path = pack_file(place.pack);
        const Closer file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
        if (file.fd < 0) continue;
        const auto from = std::min<std::uint64_t>(offset, place.size);
        const auto want = std::min<std::uint64_t>(limit, place.size - from);
        auto bytes = read_at(file.fd, path, place.offset + from, want);
        if (bytes && bytes->size() != want)
            return Result<std::string>(fail(Code::io, path.string(), "the pack is shorter than its index says"));
        return bytes;
    }
    return Result<std::string>(fail(Code::io, pack_file(0).parent_path().string(), "a pack cannot be opened: " + errno_text()));
}

Result<std::uint64_t> Packs::sweep(const std::function<bool(const std::string&)>& wanted) {
    std::map<std::uint32_t, std::vector<std::pair<std::string, std::uint32_t>>> wanted_of; ///< pack -> (hash, size)
    std::map<std::uint32_t, std::uint64_t> sizes;
    {
        const std::scoped_lock writing(writing_); // so that newest_ stands still
        const std::shared_lock lock(mutex_);
        sizes = packs_;
        if (fd_ >= 0) sizes.erase(newest_);
        for (const auto& [hash, place] : places_)
            if (sizes.contains(place.pack))
                if (auto name = text(hash); wanted(name)) wanted_of[place.pack].emplace_back(std::move(name), place.size);
    }
    std::uint64_t freed = 0;
    for (const auto& [pack, size] : sizes) {
        std::uint64_t kept = 0;
        for (const auto& [name, bytes] : wanted_of[pack]) kept += bytes + head_bytes;
        if (2 * kept > size) continue;
        // What is wanted is durable in another pack before this one goes.
        for (const auto& [name, bytes] : wanted_of[pack]) {
            auto copy = read(name, 0, bytes);
            if (!copy) continue; // moved already
            if (!*copy) return std::unexpected(copy->error());
            const Blob blob{name, **copy};
            if (auto ok = write(std::span(&blob, 1), true); !ok) return std::unexpected(ok.error());
        }
        {
            const std::unique_lock lock(mutex_);
            std::erase_if(places_, [&](const auto& entry) { return entry.second.pack == pack; });
            packs_.erase(pack);
        }
        ::unlink(index_file(pack).c_str()); // a pack without an index is read again; an index without a pack is nothing
        ::unlink(pack_file(pack).c_str());
        freed += size - kept;
    }
    return freed;
}

std::uint64_t Packs::bytes() const {
    const std::shared_lock lock(mutex_);
    std::uint64_t sum = 0;
    for (const auto& [pack, size] : packs_) sum += size;
    return sum;
}

} // namespace raymill::farm
