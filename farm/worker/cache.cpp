#include "farm/worker/cache.hpp"

#include "farm/protocol/files.hpp"
#include "farm/protocol/sha256.hpp"

#include <algorithm>
#include <unistd.h>
#include <vector>

namespace raymill::farm {

namespace fs = std::filesystem;

Result<Cache> Cache::open(const fs::path& folder, std::uint64_t limit) {
    Cache cache(folder, limit);
    for (const char* inner : {"cache", "scenes"})
        if (auto ok = make_private_folder(folder / inner); !ok) return std::unexpected(ok.error());
    std::error_code error;
    std::vector<std::pair<fs::file_time_type, fs::directory_entry>> found;
    for (const auto& entry : fs::directory_iterator(folder / "cache", error)) {
        if (!is_sha256(entry.path().filename().string()) || !entry.is_regular_file(error)) {
            fs::remove_all(entry.path(), error);
            continue;
        }
        found.emplace_back(entry.last_write_time(error), entry);
    }
    std::ranges::sort(found, [](const auto& a, const auto& b) { return a.first < b.first; });
    for (const auto& [time, entry] : found) cache.enter(entry.path().filename().string(), entry.file_size(error));
    for (const auto& entry : fs::directory_iterator(folder / "scenes", error))
        if (!is_sha256(entry.path().filename().string())) fs::remove_all(entry.path(), error);
    return cache;
}

void Cache::enter(const std::string& sha256, std::uint64_t size) {
    auto& blob = blobs_[sha256];
    bytes_ += size - blob.size;
    blob = {size, ++turn_};
}

fs::path Cache::use(const std::string& sha256) {
    const auto path = path_of(sha256);
    if (const auto blob = blobs_.find(sha256); blob != blobs_.end()) {
        blob->second.used = ++turn_;
        std::error_code ignored;
        fs::last_write_time(path, fs::file_time_type::clock::now(), ignored); // so that a restart knows the order
    }
    return path;
}

Status Cache::add(const fs::path& file, const std::string& sha256) {
    // Synced before it gets its name: after a power cut a name must not stand for other bytes.
    if (auto ok = sync_path(file); !ok) return ok;
    std::error_code error;
    const auto size = fs::file_size(file, error);
    if (!error) fs::rename(file, path_of(sha256), error);
    if (error) return fail(Code::io, file.string(), "cannot be put into the cache: " + error.message());
    enter(sha256, size);
    return {};
}

Status Cache::link(const fs::path& file, const std::string& sha256) {
    if (has(sha256)) return {};
    std::error_code error;
    const auto size = fs::file_size(file, error);
    if (!error) fs::create_hard_link(file, path_of(sha256), error);
    if (error && !fs::exists(path_of(sha256))) return fail(Code::io, file.string(), "cannot be put into the cache: " + error.message());
    enter(sha256, size);
    return {};
}

Result<fs::path> Cache::scene(const std::string& id, const Manifest& manifest) {
    const auto folder = folder_ / "scenes" / id;
    std::error_code error;
    for (const auto& file : manifest.files) use(file.sha256);
    if (fs::exists(folder, error)) return folder;
    // Made under another name, so that a crash leaves no half of a scene. Paths were checked with the manifest.
    const auto temporary = folder_ / "scenes" / (id + ".tmp");
    fs::remove_all(temporary, error);
    for (const auto& file : manifest.files) {
        const auto path = temporary / file.path;
        fs::create_directories(path.parent_path(), error);
        if (!error) fs::create_hard_link(path_of(file.sha256), path, error);
        if (error)
            fs::copy_file(path_of(file.sha256), path, fs::copy_options::overwrite_existing,
                          error); // a file system without links, or too many of them
        if (error) return fail(Code::io, path.string(), "cannot be written: " + error.message());
    }
    fs::rename(temporary, folder, error);
    if (error) return fail(Code::io, folder.string(), "cannot be put in place: " + error.message());
    return folder;
}

void Cache::trim(const std::set<std::string>& blobs_in_use, const std::set<std::string>& scenes_in_use) {
    if (bytes_ <= limit_) return;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder_ / "scenes", error))
        if (!scenes_in_use.contains(entry.path().filename().string())) fs::remove_all(entry.path(), error);
    std::vector<std::pair<std::uint64_t, std::string>> oldest;
    for (const auto& [sha256, blob] : blobs_)
        if (!blobs_in_use.contains(sha256)) oldest.emplace_back(blob.used, sha256);
    std::ranges::sort(oldest);
    for (const auto& [used, sha256] : oldest) {
        if (bytes_ <= limit_) return;
        ::unlink(path_of(sha256).c_str());
        bytes_ -= blobs_.at(sha256).size;
        blobs_.erase(sha256);
    }
}

} // namespace raymill::farm
