#pragma once
/// farm/store: blobs by SHA-256 in a folder, one namespace a tenant, so that nobody learns from a hash what others have. Called by the
/// coordinator from its pool and its HTTP threads; every call is safe from any thread. A blob appears under its hash only whole, checked
/// and durable: bytes go to a file of another name, which is synced, renamed, and its folder synced. A crash at any point leaves a blob, or
/// a part that can be continued, or rubbish of another name that the next start removes; never a wrong blob.
#include "renderer/base/error.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace raymill::farm {

class Packs;

class Store {
  public:
    ~Store();
    /// Makes the folder; removes what earlier crashes left half-done (but for parts that can be continued).
    static Result<std::unique_ptr<Store>> open(const std::filesystem::path& folder);

    [[nodiscard]] bool has(const std::string& tenant, const std::string& sha256) const;
    [[nodiscard]] std::optional<std::uint64_t> size(const std::string& tenant, const std::string& sha256) const;

    /// Bytes [offset, offset + limit) of a blob, fewer at its end.
    [[nodiscard]] Result<std::string> read(const std::string& tenant, const std::string& sha256, std::uint64_t offset,
                                           std::size_t limit) const;

    // Resumable: pieces in order, kept over restarts. The size is part of the name: two sizes for one hash are two parts.
    /// Bytes already received; the whole size where the blob is there.
    [[nodiscard]] std::uint64_t received(const std::string& tenant, const std::string& sha256, std::uint64_t size) const;
    struct Appended {
        std::uint64_t have = 0;
        bool conflict = false; ///< `offset` is not what is there; nothing was written
    };
    /// Adds a piece at `offset`. The last one checks the hash: on a mismatch the part is dropped (Code::bad_input). A piece that goes past
    /// `size` is refused. One caller at a time for one blob; another is told Code::refused. The last piece is durable when it returns;
    /// earlier ones may be lost by a power cut and are then asked for again.
    Result<Appended> append(const std::string& tenant, const std::string& sha256, std::uint64_t size, std::uint64_t offset,
                            std::string_view piece);

    /// A blob whose bytes come in order within this process (a worker's result). Gone unless finish() succeeded. One thread at a time.
    class Writer {
      public:
        Writer(Writer&&) noexcept;
        Writer& operator=(Writer&&) noexcept;
        ~Writer();
        Status write(std::string_view piece); ///< refuses to go past the size
        /// Checks size and hash (Code::bad_input on a mismatch); durable and visible when it returns.
        Status finish();

      private:
        friend class Store;
        struct State;
        explicit Writer(std::unique_ptr<State> state);
        std::unique_ptr<State> state_;
    };
    Result<Writer> write(const std::string& tenant, const std::string& sha256, std::uint64_t size);

    /// A small blob at once.
    Status put(const std::string& tenant, const std::string& sha256, std::string_view bytes);

    /// Blobs of at most `largest_small` bytes, many at a time for the price of one: each is hash-checked (Code::bad_input), and durable and
    /// visible when this returns, unless its own status says otherwise. They lie together in packs (packs.hpp). Several callers wait for
    /// each other.
    struct Small {
        std::string tenant, sha256;
        std::string_view bytes;
    };
    static constexpr std::size_t largest_small = 512u << 10;
    std::vector<Status> put_small(std::span<const Small> blobs);

    /// Where a blob that has a file of its own lies, whether it is there or not.
    [[nodiscard]] std::filesystem::path path_of(const std::string& tenant, const std::string& sha256) const;

  private:
    explicit Store(std::filesystem::path folder);
    [[nodiscard]] std::filesystem::path tenant_folder(const std::string& tenant) const;
    Status make_tenant_folder(const std::string& tenant, const char* inner);
    [[nodiscard]] Packs* packs_of(const std::string& tenant) const; ///< none: the tenant has none yet
    Result<Packs*> make_packs(const std::string& tenant);
    Status publish(const std::filesystem::path& temporary, const std::string& tenant, const std::string& sha256);

    std::filesystem::path folder_;
    mutable std::mutex mutex_;                            ///< of what follows
    std::map<std::string, std::unique_ptr<Packs>> packs_; ///< by the tenant's folder; never removed, so a pointer stays good
    std::set<std::pair<std::string, std::string>> appending_;
};

} // namespace raymill::farm
