#pragma once
/// Who may come in, and to do what: people by bearer token, workers by CURVE key. Kept in two files of the data folder that a running
/// server reads again whenever they change, so that `raymill key --data` works beside it; writers take turns by a lock.
///   access.json   tenants, and of every key its id, rights and the SHA-256 of its token; the token itself is told once, when it is made
///   worker_keys   public keys of workers, one a line, words after it are remarks
#include "farm/ledger/ledger.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace raymill::farm {

enum class Right : unsigned {
    read = 1,    ///< see the tenant's own jobs and fetch its frames
    submit = 2,  ///< upload scenes, make and steer jobs
    operate = 4, ///< run the farm: tenants, keys, workers, the audit log. Not: look into a tenant's jobs
    enrol = 8,   ///< bring one worker in, once
};
constexpr unsigned operator|(Right a, Right b) { return static_cast<unsigned>(a) | static_cast<unsigned>(b); }

/// The scopes a key can have, by the names people use.
struct Scope {
    std::string_view name;
    unsigned rights;
    bool of_tenant; ///< such a key belongs to a tenant
};
inline constexpr Scope scopes[] = {
    {"read", static_cast<unsigned>(Right::read), true},
    {"submit", Right::read | Right::submit, true},
    {"operator", static_cast<unsigned>(Right::operate), false},
    {"worker", static_cast<unsigned>(Right::enrol), false},
};
/// None where no scope is called that.
const Scope* scope_named(std::string_view name);

/// Somebody whose token is good.
struct Identity {
    std::string tenant; ///< empty for keys of no tenant
    std::string key;    ///< its id; "local" for the token of this user's own server
    unsigned rights = 0;
    [[nodiscard]] bool may(Right right) const { return (rights & static_cast<unsigned>(right)) != 0; }
    [[nodiscard]] std::string text() const; ///< "tenant studio, key 1f2e3d4c"
};

struct KeyRow {
    std::string id, tenant, scope, note;
    std::string sha256;                          ///< of the token
    std::int64_t created_us = 0, expires_us = 0; ///< since 1970; expires 0: never
    friend bool operator==(const KeyRow&, const KeyRow&) = default;
};
struct KeyWish {
    std::string scope, tenant, note;
    std::uint64_t lasts_s = 0; ///< 0: until it is revoked; an enrolment's is at most a week, an hour where nothing is said
};
struct MadeKey {
    KeyRow row;
    std::string token;
};

/// A tenant's name: 1 to 64 of letters, digits, '-', '_' and '.', beginning with a letter or digit.
Status check_tenant_name(std::string_view name);

/// Tenants and keys. Any thread; changes are durable when they return.
class Access {
  public:
    static Result<std::unique_ptr<Access>> open(const std::filesystem::path& folder);

    /// Whose token this is; none for one that is unknown, revoked, expired, or of a tenant that was closed.
    [[nodiscard]] std::optional<Identity> identify(std::string_view token);
    /// A token that is accepted besides: of the tenant "local", who runs the farm too.
    void accept_local(std::string_view token);

    Result<MadeKey> make_key(const KeyWish& wish);
    Status revoke_key(const std::string& id);
    /// The key is gone when this returns; for one caller only (two who come with one enrolment token: one is refused).
    Status spend(const std::string& id) { return revoke_key(id); }
    Status add_tenant(const std::string& name);
    /// Its keys go with it. What it stored stays until it is thrown away by hand.
    Status remove_tenant(const std::string& name);

    [[nodiscard]] std::vector<KeyRow> keys(); ///< oldest first; expired ones among them
    [[nodiscard]] std::vector<std::string> tenants();
    /// For the ledger: a row a tenant's key.
    [[nodiscard]] std::vector<TenantRow> rows();
    /// Whether there is a key of that kind that is good now.
    [[nodiscard]] bool has(Right right);

  private:
    struct Book {
        std::set<std::string> tenants;
        std::vector<KeyRow> keys;
    };
    explicit Access(std::filesystem::path folder) : folder_(std::move(folder)) {}
    void refresh();
    Result<Book> read() const;
    /// Reads the file, changes it, writes it, all in one turn.
    Status change(const std::function<Status(Book&)>& how);
    void take(Book book);

    std::filesystem::path folder_;
    std::mutex mutex_;
    Book book_;
    std::map<std::string, std::size_t> by_hash_; ///< into book_.keys
    std::string local_hash_;
    struct Stamp {
        std::uint64_t inode = 0, size = 0;
        std::int64_t mtime_ns = 0;
        friend bool operator==(const Stamp&, const Stamp&) = default;
    };
    Stamp seen_;
};

/// Keys of workers. Any thread.
class WorkerKeys {
  public:
    /// `local`: a key that is accepted besides those in the file; may be empty.
    WorkerKeys(std::filesystem::path file, std::string local) : file_(std::move(file)), local_(std::move(local)) {}
    /// Reads the file where it changed; lines that are no keys are counted on standard error and left out.
    bool accepts(const std::string& key);
    [[nodiscard]] std::size_t count();
    [[nodiscard]] std::vector<std::pair<std::string, std::string>> list(); ///< keys and their remarks
    /// Durable when they return. Adding a key that is there changes nothing.
    Status add(const std::string& key, const std::string& remark);
    Status remove(const std::string& key);

  private:
    void refresh();
    std::filesystem::path file_;
    std::string local_;
    std::mutex mutex_;
    std::optional<std::filesystem::file_time_type> read_at_;
    std::uintmax_t read_size_ = 0;
    std::map<std::string, std::string> keys_;
};

} // namespace raymill::farm
