#pragma once
/// Small blobs of one tenant, many to a file, so that one fsync makes many of them durable: a file of its own for each tile's chunk costs
/// three, and a disk does a thousand or two a second. Seen by the store only.
///
/// A pack is a row of records: magic (4 bytes), size (4, little-endian), SHA-256 (32), the bytes. Records are only appended. When a pack is
/// full its index is written beside it (NAME.idx: SHA-256, offset, size of each record) and it is never written again. What a crash left
/// half-written at the end of the newest pack is cut off by the next start: its records are read whole and their hashes checked, up to the
/// first that is not sound. Nobody was told that it was there, since append() returns after the fsync.
#include "renderer/base/error.hpp"

#include <array>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace raymill::farm {

class Packs {
  public:
    static constexpr std::uint64_t full = 128ull << 20;     ///< a pack that has reached this is closed
    static constexpr std::size_t largest_blob = 512u << 10; ///< in a pack; larger ones have files of their own

    /// Makes the folder where it lacks. `full`: for tests.
    static Result<std::unique_ptr<Packs>> open(const std::filesystem::path& folder, std::uint64_t full_at = full);
    ~Packs();
    Packs(const Packs&) = delete;
    Packs& operator=(const Packs&) = delete;

    struct Blob {
        std::string sha256; ///< of the bytes: the caller has checked that
        std::string_view bytes;
    };
    /// Durable and visible when it returns. Blobs that are there already are not written again. After an error none of them is visible.
    Status append(std::span<const Blob> blobs) { return write(blobs, false); }

    [[nodiscard]] std::optional<std::uint64_t> size(const std::string& sha256) const;
    /// Bytes [offset, offset + limit), fewer at the end; none where there is no such blob.
    [[nodiscard]] std::optional<Result<std::string>> read(const std::string& sha256, std::uint64_t offset, std::size_t limit) const;

    /// Removes full packs that hold nothing that is wanted, and moves what is wanted out of those that hold more waste than that. Gives the
    /// bytes freed on disk. Safe beside readers and append(); one sweep at a time.
    Result<std::uint64_t> sweep(const std::function<bool(const std::string& sha256)>& wanted);
    /// Bytes of all blobs.
    [[nodiscard]] std::uint64_t bytes() const;

  private:
    using Hash = std::array<std::uint8_t, 32>;
    struct HashOf { ///< the blob's hash is random already
        std::size_t operator()(const Hash& hash) const {
            std::size_t word = 0;
            std::memcpy(&word, hash.data(), sizeof word);
            return word;
        }
    };
    struct Place {
        std::uint32_t pack = 0, size = 0;
        std::uint64_t offset = 0; ///< of the bytes
    };
    Packs(std::filesystem::path folder, std::uint64_t full_at) : folder_(std::move(folder)), full_(full_at) {}
    [[nodiscard]] std::filesystem::path pack_file(std::uint32_t pack) const;
    [[nodiscard]] std::filesystem::path index_file(std::uint32_t pack) const;
    Status write(std::span<const Blob> blobs, bool again); ///< `again`: also those that are there
    Status load_index(std::uint32_t pack);
    Status scan(std::uint32_t pack);
    Status close_pack();
    Status start_pack();
    [[nodiscard]] static Hash binary(const std::string& sha256);
    [[nodiscard]] static std::string text(const Hash& hash);

    std::filesystem::path folder_;
    std::uint64_t full_;
    mutable std::shared_mutex mutex_; ///< of what follows
    std::unordered_map<Hash, Place, HashOf> places_;
    std::map<std::uint32_t, std::uint64_t> packs_; ///< number -> bytes of its file
    std::mutex writing_;                           ///< of what follows: held by append()
    std::uint32_t newest_ = 0;
    std::vector<std::pair<Hash, Place>> unindexed_; ///< of the newest pack
    int fd_ = -1;                                   ///< of the newest pack
    bool broken_ = false;                           ///< a write failed: a new pack is begun first
};

} // namespace raymill::farm
