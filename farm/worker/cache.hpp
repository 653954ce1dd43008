#pragma once
/// Blobs on the worker's disk by hash, bounded in bytes, the longest unused thrown away first; and scenes as folders of links to them.
/// Belongs to the supervisor's thread.
#include "farm/protocol/manifest.hpp"
#include "renderer/base/error.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>

namespace raymill::farm {

class Cache {
  public:
    /// `folder` gets "cache" and "scenes". What is there from before counts, and is kept; half-written files are removed.
    static Result<Cache> open(const std::filesystem::path& folder, std::uint64_t limit);

    [[nodiscard]] bool has(const std::string& sha256) const { return blobs_.contains(sha256); }
    /// The blob's file; counts as a use.
    std::filesystem::path use(const std::string& sha256);
    [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

    /// A name to write a blob to; add() then gives it its place. The caller has checked its hash.
    [[nodiscard]] std::filesystem::path temporary(const std::string& sha256) const { return folder_ / "cache" / (sha256 + ".tmp"); }
    Status add(const std::filesystem::path& file, const std::string& sha256);
    /// A second name for a file that stays where it is.
    Status link(const std::filesystem::path& file, const std::string& sha256);

    /// The scene's folder, made where it lacks; all of its blobs must be here.
    Result<std::filesystem::path> scene(const std::string& id, const Manifest& manifest);

    /// Throws away until the bound holds: scenes' folders first, then blobs; never what is named here, so the bound may be passed by what
    /// is in use.
    void trim(const std::set<std::string>& blobs_in_use, const std::set<std::string>& scenes_in_use);

  private:
    struct Blob {
        std::uint64_t size = 0, used = 0; ///< `used`: turn of the latest use
    };
    Cache(std::filesystem::path folder, std::uint64_t limit) : folder_(std::move(folder)), limit_(limit) {}
    [[nodiscard]] std::filesystem::path path_of(const std::string& sha256) const { return folder_ / "cache" / sha256; }
    void enter(const std::string& sha256, std::uint64_t size);

    std::filesystem::path folder_;
    std::uint64_t limit_, bytes_ = 0, turn_ = 0;
    std::map<std::string, Blob> blobs_;
};

} // namespace raymill::farm
