#include "farm/coordinator/access.hpp"

#include "farm/protocol/files.hpp"
#include "farm/protocol/keys.hpp"
#include "farm/protocol/limits.hpp"
#include "farm/protocol/sha256.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <sstream>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace raymill::farm {
namespace {

using nlohmann::json;

constexpr std::uint64_t longest_book = 16u << 20;
constexpr std::uint64_t enrolment_s = 3600, longest_enrolment_s = 7 * 24 * 3600;
constexpr std::uint64_t longest_s = 10ull * 366 * 24 * 3600; ///< of any key that expires

std::int64_t now_us() {
    using namespace std::chrono;
    return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
}

/// Held while a file is read, changed and written again. Never the file itself, which is replaced.
class Turn {
  public:
    explicit Turn(const std::filesystem::path& file) : fd_(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)) {
        while (fd_ >= 0 && ::flock(fd_, LOCK_EX) != 0 && errno == EINTR) {
        }
    }
    ~Turn() {
        if (fd_ >= 0) ::close(fd_);
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    [[nodiscard]] Status good(const std::filesystem::path& file) const {
        return fd_ >= 0 ? Status{} : fail(Code::io, file.string(), "cannot be opened: " + errno_text());
    }

  private:
    int fd_;
};

bool letter_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }
bool alive(const KeyRow& key, std::int64_t now) { return key.expires_us == 0 || key.expires_us > now; }

/// One line of printable words.
std::string remark_of(const std::string& text) {
    auto out = text.substr(0, limits::job_name);
    for (auto& c : out)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
    return out;
}

} // namespace

const Scope* scope_named(std::string_view name) {
    const auto* found = std::ranges::find(scopes, name, &Scope::name);
    return found == std::end(scopes) ? nullptr : found;
}

std::string Identity::text() const { return (tenant.empty() ? "key " : "tenant " + tenant + ", key ") + key; }

Status check_tenant_name(std::string_view name) {
    const bool good = !name.empty() && name.size() <= 64 && letter_or_digit(name[0]) &&
                      std::ranges::all_of(name, [](char c) { return letter_or_digit(c) || c == '-' || c == '_' || c == '.'; });
    return good ? Status{}
                : fail(Code::usage, "tenant",
                       "a tenant's name is 1 to 64 of letters, digits, '-', '_' and '.', and begins with a letter or digit");
}

Result<std::unique_ptr<Access>> Access::open(const std::filesystem::path& folder) {
    std::unique_ptr<Access> access(new Access(folder));
    auto book = access->read(); // a file that cannot be read stops the start; while serving, the last good state stays
    if (!book) return std::unexpected(book.error());
    access->take(std::move(*book));
    return access;
}

Result<Access::Book> Access::read() const {
    const auto file = folder_ / "access.json";
    std::error_code error;
    if (!std::filesystem::exists(file, error)) return Book{};
    const auto text = read_private_file(file, longest_book);
    if (!text) return std::unexpected(text.error());
    const auto root = json::parse(*text, nullptr, false);
    const auto bad = [&](const std::string& why) { return fail(Code::io, file.string(), why); };
    if (!root.is_object() || !root.contains("tenants") || !root["tenants"].is_array() || !root.contains("keys") || !root["keys"].is_array())
        return bad("it is not {\"tenants\": [...], \"keys\": [...]}");
    Book book;
    for (const auto& tenant : root["tenants"]) {
        if (!tenant.is_string() || !check_tenant_name(tenant.get<std::string>())) return bad("a tenant's name cannot be one");
        book.tenants.insert(tenant.get<std::string>());
    }
    for (const auto& key : root["keys"]) {
        KeyRow row;
        if (!key.is_object()) return bad("a key is not an object");
        for (auto [name, into] :
             {std::pair("id", &row.id), {"tenant", &row.tenant}, {"scope", &row.scope}, {"note", &row.note}, {"sha256", &row.sha256}}) {
            if (!key.contains(name) || !key[name].is_string()) return bad(std::string("a key has no text ") + name);
            *into = key[name].get<std::string>();
        }
        for (auto [name, into] : {std::pair("created_us", &row.created_us), {"expires_us", &row.expires_us}}) {
            if (!key.contains(name) || !key[name].is_number_integer()) return bad(std::string("a key has no number ") + name);
            *into = key[name].get<std::int64_t>();
        }
        if (scope_named(row.scope) == nullptr || !is_sha256(row.sha256)) return bad("key " + row.id + " has an unknown scope or no hash");
        book.keys.push_back(std::move(row));
    }
    return book;
}

void Access::take(Book book) {
    book_ = std::move(book);
    by_hash_.clear();
    for (std::size_t i = 0; i < book_.keys.size(); ++i) by_hash_[book_.keys[i].sha256] = i;
}

void Access::refresh() {
    struct stat info {};
    const auto file = folder_ / "access.json";
    Stamp stamp;
    if (::stat(file.c_str(), &info) == 0)
        stamp = {info.st_ino, static_cast<std::uint64_t>(info.st_size), info.st_mtim.tv_sec * 1'000'000'000 + info.st_mtim.tv_nsec};
    if (stamp == seen_) return;
    seen_ = stamp;
    auto book = read();
    if (!book) { // half-edited by hand, say: nobody gets in or out by that
        std::fprintf(stderr, "raymill serve: %s\n", book.error().message().c_str());
        return;
    }
    take(std::move(*book));
}

Status Access::change(const std::function<Status(Book&)>& how) {
    const std::scoped_lock lock(mutex_);
    const auto lock_file = folder_ / "access.lock";
    const Turn turn(lock_file);
    if (auto ok = turn.good(lock_file); !ok) return ok;
    auto book = read();
    if (!book) return std::unexpected(book.error());
    if (auto ok = how(*book); !ok) return ok;
    json root{{"tenants", book->tenants}, {"keys", json::array()}};
    for (const auto& key : book->keys)
        root["keys"].push_back({{"id", key.id},
                                {"tenant", key.tenant},
                                {"scope", key.scope},
                                {"note", key.note},
                                {"sha256", key.sha256},
                                {"created_us", key.created_us},
                                {"expires_us", key.expires_us}});
    const auto text = root.dump(1, ' ', false, json::error_handler_t::replace) + "\n";
    if (text.size() > longest_book) return fail(Code::refused, "access.json", "there are too many keys; revoke some");
    if (auto ok = write_private_file(folder_ / "access.json", text); !ok) return ok;
    take(std::move(*book));
    return {};
}

void Access::accept_local(std::string_view token) {
    const std::scoped_lock lock(mutex_);
    local_hash_ = sha256_of(token);
}

std::optional<Identity> Access::identify(std::string_view token) {
    // Looked up by its hash, so that the time it takes says nothing about tokens.
    const auto hash = sha256_of(token);
    const std::scoped_lock lock(mutex_);
    if (!local_hash_.empty() && hash == local_hash_)
        return Identity{"local", "local", Right::read | Right::submit | static_cast<unsigned>(Right::operate)};
    refresh();
    const auto found = by_hash_.find(hash);
    if (found == by_hash_.end()) return {};
    const auto& key = book_.keys[found->second];
    const auto* scope = scope_named(key.scope);
    if (scope == nullptr || !alive(key, now_us()) || (scope->of_tenant && !book_.tenants.contains(key.tenant))) return {};
    return Identity{key.tenant, key.id, scope->rights};
}

Result<MadeKey> Access::make_key(const KeyWish& wish) {
    const auto* scope = scope_named(wish.scope);
    if (scope == nullptr) return fail(Code::usage, "scope", "a key's scope is read, submit, operator or worker");
    if (scope->of_tenant && wish.tenant.empty())
        return fail(Code::usage, "tenant", "a key of scope " + wish.scope + " belongs to a tenant; which?");
    if (!scope->of_tenant && !wish.tenant.empty())
        return fail(Code::usage, "tenant", "a key of scope " + wish.scope + " belongs to no tenant");
    auto lasts = wish.lasts_s;
    if (wish.scope == "worker") lasts = lasts == 0 ? enrolment_s : lasts;
    if (wish.scope == "worker" && lasts > longest_enrolment_s)
        return fail(Code::usage, "expires", "a worker's key can be used for a week at most");
    if (lasts > longest_s) return fail(Code::usage, "expires", "a key that expires lasts ten years at most");
    MadeKey made;
    made.row = {.id = random_hex(4),
                .tenant = wish.tenant,
                .scope = wish.scope,
                .note = remark_of(wish.note),
                .sha256 = {},
                .created_us = now_us(),
                .expires_us = 0};
    if (lasts != 0) made.row.expires_us = made.row.created_us + static_cast<std::int64_t>(lasts) * 1'000'000;
    // Its kind and id stand in front, so that a token found somewhere can be told for what it is, and revoked.
    made.token = "rmk_" + made.row.id + "_" + make_token();
    made.row.sha256 = sha256_of(made.token);
    const auto done = change([&](Book& book) -> Status {
        if (scope->of_tenant && !book.tenants.contains(wish.tenant))
            return fail(Code::usage, "tenant " + wish.tenant.substr(0, 64),
                        "there is no such tenant; \"raymill tenant add NAME\" makes one");
        // Expired ones make room.
        std::erase_if(book.keys, [now = made.row.created_us](const KeyRow& key) { return !alive(key, now); });
        if (book.keys.size() >= limits::access_keys)
            return fail(Code::refused, "keys",
                        "there are " + std::to_string(limits::access_keys) + " keys, which is the most; revoke some");
        if (std::ranges::find(book.keys, made.row.id, &KeyRow::id) != book.keys.end())
            return fail(Code::refused, "keys", "the new key's id is taken; try again");
        book.keys.push_back(made.row);
        return {};
    });
    if (!done) return std::unexpected(done.error());
    return made;
}

Status Access::revoke_key(const std::string& id) {
    return change([&](Book& book) -> Status {
        if (std::erase_if(book.keys, [&](const KeyRow& key) { return key.id == id; }) == 0)
            return fail(Code::refused, "key " + id.substr(0, 64), "there is no such key");
        return {};
    });
}

Status Access::add_tenant(const std::string& name) {
    if (auto ok = check_tenant_name(name); !ok) return ok;
    return change([&](Book& book) -> Status {
        if (book.tenants.size() >= limits::tenants) return fail(Code::refused, "tenants", "there are 10000 tenants, which is the most");
        if (!book.tenants.insert(name).second) return fail(Code::refused, "tenant " + name, "it is there already");
        return {};
    });
}

Status Access::remove_tenant(const std::string& name) {
    return change([&](Book& book) -> Status {
        if (book.tenants.erase(name) == 0) return fail(Code::refused, "tenant " + name.substr(0, 64), "there is no such tenant");
        std::erase_if(book.keys, [&](const KeyRow& key) { return key.tenant == name; });
        return {};
    });
}

std::vector<KeyRow> Access::keys() {
    const std::scoped_lock lock(mutex_);
    refresh();
    return book_.keys;
}

std::vector<std::string> Access::tenants() {
    const std::scoped_lock lock(mutex_);
    refresh();
    return {book_.tenants.begin(), book_.tenants.end()};
}

std::vector<TenantRow> Access::rows() {
    const std::scoped_lock lock(mutex_);
    refresh();
    std::vector<TenantRow> rows;
    for (const auto& key : book_.keys)
        if (!key.tenant.empty()) rows.push_back({key.tenant, key.sha256});
    if (!local_hash_.empty()) rows.push_back({"local", local_hash_});
    return rows;
}

bool Access::has(Right right) {
    const std::scoped_lock lock(mutex_);
    refresh();
    const auto now = now_us();
    return std::ranges::any_of(book_.keys, [&](const KeyRow& key) {
        return (scope_named(key.scope)->rights & static_cast<unsigned>(right)) != 0 && alive(key, now);
    });
}

void WorkerKeys::refresh() {
    std::error_code error;
    const auto changed = std::filesystem::last_write_time(file_, error);
    const auto size = error ? 0 : std::filesystem::file_size(file_, error);
    if (error) {
        keys_.clear();
        read_at_.reset();
        return;
    }
    if (read_at_ == changed && read_size_ == size) return;
    read_at_ = changed;
    read_size_ = size;
    keys_.clear();
    const auto text = read_small_file(file_, longest_book);
    if (!text) {
        std::fprintf(stderr, "raymill serve: %s\n", text.error().message().c_str());
        return;
    }
    std::istringstream lines(*text);
    std::size_t bad = 0;
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        std::string key, remark;
        words >> key;
        std::getline(words >> std::ws, remark);
        if (is_key(key))
            keys_[key] = remark;
        else if (!key.empty())
            ++bad;
    }
    if (bad > 0)
        std::fprintf(stderr, "raymill serve: %s: %zu lines do not begin with a public key of 40 characters and are left out\n",
                     file_.c_str(), bad);
}

bool WorkerKeys::accepts(const std::string& key) {
    if (!local_.empty() && key == local_) return true;
    const std::scoped_lock lock(mutex_);
    refresh();
    return keys_.contains(key);
}

std::size_t WorkerKeys::count() {
    const std::scoped_lock lock(mutex_);
    refresh();
    return keys_.size();
}

std::vector<std::pair<std::string, std::string>> WorkerKeys::list() {
    const std::scoped_lock lock(mutex_);
    refresh();
    return {keys_.begin(), keys_.end()};
}

Status WorkerKeys::add(const std::string& key, const std::string& remark) {
    if (!is_key(key)) return fail(Code::usage, "public_key", "it is not a CURVE key of 40 characters");
    const std::scoped_lock lock(mutex_);
    const auto lock_file = file_.parent_path() / "access.lock";
    const Turn turn(lock_file);
    if (auto ok = turn.good(lock_file); !ok) return ok;
    refresh();
    if (keys_.contains(key)) return {};
    if (keys_.size() >= limits::peers) return fail(Code::refused, "worker_keys", "there are 20000 keys, which is the most; take some out");
    std::error_code error;
    auto text = std::filesystem::exists(file_, error) ? read_small_file(file_, longest_book) : Result<std::string>("");
    if (!text) return std::unexpected(text.error());
    if (!text->empty() && text->back() != '\n') text->push_back('\n');
    auto ok = write_private_file(file_, *text + key + " " + remark_of(remark) + "\n");
    read_at_.reset();
    return ok;
}

Status WorkerKeys::remove(const std::string& key) {
    const std::scoped_lock lock(mutex_);
    const auto lock_file = file_.parent_path() / "access.lock";
    const Turn turn(lock_file);
    if (auto ok = turn.good(lock_file); !ok) return ok;
    const auto text = read_small_file(file_, longest_book);
    std::string kept;
    bool found = false;
    if (text) {
        std::istringstream lines(*text);
        for (std::string line; std::getline(lines, line);) {
            if (line == key || line.starts_with(key + " "))
                found = true;
            else
                kept += line + "\n";
        }
    }
    if (!is_key(key) || !found) return fail(Code::refused, "worker key", "there is no such key");
    auto ok = write_private_file(file_, kept);
    read_at_.reset();
    return ok;
}

} // namespace raymill::farm
