#include "farm/store/store.hpp"

#include "farm/protocol/files.hpp"
#include "farm/protocol/sha256.hpp"
#include "farm/store/file_io.hpp"
#include "farm/store/packs.hpp"
#include "renderer/base/check.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace raymill::farm {
namespace {

namespace fs = std::filesystem;

class File {
  public:
    File() = default;
    File(const fs::path& path, int flags) : fd_(::open(path.c_str(), flags | O_CLOEXEC, 0600)) {}
    File(File&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    File& operator=(File&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~File() {
        if (fd_ >= 0) ::close(fd_);
    }
    [[nodiscard]] bool is_open() const { return fd_ >= 0; }
    [[nodiscard]] int fd() const { return fd_; }

  private:
    int fd_ = -1;
};

std::optional<std::uint64_t> size_of_file(const fs::path& path) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return {};
    return static_cast<std::uint64_t>(info.st_size);
}

static_assert(Store::largest_small == Packs::largest_blob);

/// A tenant's name as a folder's: letters, digits, '-', '_' stay; all else becomes %XX, so that no two names meet and none leaves the
/// store.
std::string folder_name(const std::string& tenant) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string name;
    for (const char c : tenant) {
        const auto byte = static_cast<unsigned char>(c);
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_')
            name.push_back(c);
        else
            (name += '%', name += digits[byte >> 4]) += digits[byte & 15];
    }
    return name;
}

} // namespace

Result<std::unique_ptr<Store>> Store::open(const fs::path& folder) {
    if (auto ok = make_private_folder(folder); !ok) return std::unexpected(ok.error());
    std::unique_ptr<Store> store(new Store(folder));
    std::error_code error;
    for (const auto& tenant : fs::directory_iterator(folder, error)) {
        std::error_code ignored;
        fs::remove_all(tenant.path() / "new", ignored); // results that were coming in when the last process ended
        if (!fs::exists(tenant.path() / "packs", ignored)) continue;
        auto packs = Packs::open(tenant.path() / "packs");
        if (!packs) return std::unexpected(packs.error());
        store->packs_[tenant.path().filename()] = std::move(*packs);
    }
    if (error) return fail(Code::io, folder.string(), "the store cannot be read: " + error.message());
    return store;
}

Store::Store(fs::path folder) : folder_(std::move(folder)) {}
Store::~Store() = default;

Packs* Store::packs_of(const std::string& tenant) const {
    const std::scoped_lock lock(mutex_);
    const auto found = packs_.find(folder_name(tenant));
    return found == packs_.end() ? nullptr : found->second.get();
}

Result<Packs*> Store::make_packs(const std::string& tenant) {
    if (auto* packs = packs_of(tenant); packs != nullptr) return packs;
    if (auto ok = make_tenant_folder(tenant, "packs"); !ok) return std::unexpected(ok.error());
    const std::scoped_lock lock(mutex_);
    auto& packs = packs_[folder_name(tenant)];
    if (!packs) {
        auto opened = Packs::open(tenant_folder(tenant) / "packs");
        if (!opened) return std::unexpected(opened.error());
        packs = std::move(*opened);
    }
    return packs.get();
}

std::vector<Status> Store::put_small(std::span<const Small> blobs) {
    std::vector<Status> outcomes(blobs.size());
    std::map<std::string, std::vector<std::size_t>> by_tenant;
    for (std::size_t i = 0; i < blobs.size(); ++i) {
        const auto& [tenant, sha256, bytes] = blobs[i];
        if (bytes.size() > largest_small)
            outcomes[i] = fail(Code::bad_input, sha256, "the blob is too large for a pack");
        else if (sha256_of(bytes) != sha256)
            outcomes[i] = fail(Code::bad_input, sha256, "the bytes that arrived have another hash");
        else
            by_tenant[tenant].push_back(i);
    }
    for (const auto& [tenant, mine] : by_tenant) {
        std::vector<Packs::Blob> list;
        for (const auto i : mine) list.push_back({blobs[i].sha256, blobs[i].bytes});
        const auto packs = make_packs(tenant);
        const auto ok = packs ? (*packs)->append(list) : Status(std::unexpected(packs.error()));
        for (const auto i : mine) outcomes[i] = ok;
    }
    return outcomes;
}

fs::path Store::tenant_folder(const std::string& tenant) const { return folder_ / folder_name(tenant); }

fs::path Store::path_of(const std::string& tenant, const std::string& sha256) const {
    CHECK_TRUE(is_sha256(sha256));
    return tenant_folder(tenant) / sha256.substr(0, 2) / sha256;
}

bool Store::has(const std::string& tenant, const std::string& sha256) const { return size(tenant, sha256).has_value(); }

std::optional<std::uint64_t> Store::size(const std::string& tenant, const std::string& sha256) const {
    if (const auto* packs = packs_of(tenant); packs != nullptr)
        if (const auto small = packs->size(sha256)) return small;
    return size_of_file(path_of(tenant, sha256));
}

Result<std::string> Store::read(const std::string& tenant, const std::string& sha256, std::uint64_t offset, std::size_t limit) const {
    if (const auto* packs = packs_of(tenant); packs != nullptr)
        if (auto small = packs->read(sha256, offset, limit)) return std::move(*small);
    const auto path = path_of(tenant, sha256);
    const File file(path, O_RDONLY);
    if (!file.is_open()) return fail(Code::io, "store", "there is no blob " + sha256);
    return read_at(file.fd(), path, offset, limit);
}

/// The tenant's folder and one in it; durable, so that a blob's folder cannot vanish with a crash.
Status Store::make_tenant_folder(const std::string& tenant, const char* inner) {
    const auto folder = tenant_folder(tenant);
    std::error_code error;
    if (fs::exists(folder / inner, error)) return {};
    if (auto ok = make_private_folder(folder); !ok) return ok;
    if (auto ok = make_private_folder(folder / inner); !ok) return ok;
    if (auto ok = sync_path(folder); !ok) return ok;
    return sync_path(folder_);
}

/// Gives a synced file its name. The folders on the way are synced too, where they are new.
Status Store::publish(const fs::path& temporary, const std::string& tenant, const std::string& sha256) {
    const auto path = path_of(tenant, sha256);
    const bool new_folder = ::mkdir(path.parent_path().c_str(), 0700) == 0;
    if (::rename(temporary.c_str(), path.c_str()) != 0) return fail(Code::io, path.string(), "cannot be put in place: " + errno_text());
    if (auto ok = sync_path(path.parent_path()); !ok) return ok;
    return new_folder ? sync_path(path.parent_path().parent_path()) : Status{};
}

std::uint64_t Store::received(const std::string& tenant, const std::string& sha256, std::uint64_t size) const {
    if (this->size(tenant, sha256) == size) return size;
    return size_of_file(tenant_folder(tenant) / "parts" / (sha256 + "." + std::to_string(size))).value_or(0);
}

Result<Store::Appended> Store::append(const std::string& tenant, const std::string& sha256, std::uint64_t size, std::uint64_t offset,
                                      std::string_view piece) {
    if (this->size(tenant, sha256) == size) return Appended{size, offset != size || !piece.empty()};
    {
        const std::scoped_lock lock(mutex_);
        if (!appending_.emplace(tenant, sha256).second) return fail(Code::refused, sha256, "another request is sending this blob");
    }
    struct Release {
        Store& store;
        std::pair<std::string, std::string> key;
        ~Release() {
            const std::scoped_lock lock(store.mutex_);
            store.appending_.erase(key);
        }
    } const release{*this, {tenant, sha256}};

    const auto parts = tenant_folder(tenant) / "parts";
    if (auto ok = make_tenant_folder(tenant, "parts"); !ok) return std::unexpected(ok.error());
    const auto path = parts / (sha256 + "." + std::to_string(size));
    const auto have = size_of_file(path).value_or(0);
    if (offset != have) return Appended{have, true};
    if (piece.size() > size - have)
        return fail(Code::bad_input, sha256, "the piece goes past the size of " + std::to_string(size) + " bytes");
    {
        const File file(path, O_WRONLY | O_CREAT | O_APPEND);
        if (!file.is_open()) return fail(Code::io, path.string(), "cannot be written: " + errno_text());
        if (auto ok = write_all(file.fd(), path, piece); !ok) {
            // What was written of the piece stays out, so that offsets stay those that were answered.
            if (::ftruncate(file.fd(), static_cast<off_t>(have)) != 0) ::unlink(path.c_str());
            return std::unexpected(ok.error());
        }
        if (have + piece.size() < size) return Appended{have + piece.size(), false};
        if (::fsync(file.fd()) != 0) return fail(Code::io, path.string(), "fsync failed: " + errno_text());
    }
    const auto hash = sha256_of_file(path);
    if (!hash) return std::unexpected(hash.error());
    if (*hash != sha256) {
        ::unlink(path.c_str());
        return fail(Code::bad_input, sha256, "the bytes that arrived have another hash (" + *hash + "); send the file again");
    }
    if (auto ok = publish(path, tenant, sha256); !ok) return std::unexpected(ok.error());
    return Appended{size, false};
}

struct Store::Writer::State {
    Store* store = nullptr;
    std::string tenant, sha256;
    std::uint64_t size = 0, written = 0;
    fs::path path;
    File file;
    Sha256 hash;
    bool finished = false;
};

Store::Writer::Writer(std::unique_ptr<State> state) : state_(std::move(state)) {}
Store::Writer::Writer(Writer&&) noexcept = default;
Store::Writer& Store::Writer::operator=(Writer&& other) noexcept {
    std::swap(state_, other.state_);
    return *this;
}
Store::Writer::~Writer() {
    if (state_ && !state_->finished) ::unlink(state_->path.c_str());
}

Result<Store::Writer> Store::write(const std::string& tenant, const std::string& sha256, std::uint64_t size) {
    const auto folder = tenant_folder(tenant) / "new";
    if (auto ok = make_tenant_folder(tenant, "new"); !ok) return std::unexpected(ok.error());
    auto state = std::make_unique<Writer::State>();
    state->store = this;
    state->tenant = tenant;
    state->sha256 = sha256;
    state->size = size;
    state->path = folder / (sha256 + "." + random_hex(8));
    state->file = File(state->path, O_WRONLY | O_CREAT | O_EXCL);
    if (!state->file.is_open()) return fail(Code::io, state->path.string(), "cannot be written: " + errno_text());
    return Writer(std::move(state));
}

Status Store::Writer::write(std::string_view piece) {
    if (piece.size() > state_->size - state_->written) return fail(Code::bad_input, state_->sha256, "more bytes came than were announced");
    state_->hash.update(piece);
    state_->written += piece.size();
    return write_all(state_->file.fd(), state_->path, piece);
}

Status Store::Writer::finish() {
    if (state_->written != state_->size) return fail(Code::bad_input, state_->sha256, "fewer bytes came than were announced");
    if (state_->hash.finish() != state_->sha256) return fail(Code::bad_input, state_->sha256, "the bytes that arrived have another hash");
    if (::fsync(state_->file.fd()) != 0) return fail(Code::io, state_->path.string(), "fsync failed: " + errno_text());
    if (auto ok = state_->store->publish(state_->path, state_->tenant, state_->sha256); !ok) return ok;
    state_->finished = true;
    return {};
}

Status Store::put(const std::string& tenant, const std::string& sha256, std::string_view bytes) {
    if (has(tenant, sha256)) return {};
    auto writer = write(tenant, sha256, bytes.size());
    if (!writer) return std::unexpected(writer.error());
    if (auto ok = writer->write(bytes); !ok) return ok;
    return writer->finish();
}

} // namespace raymill::farm
