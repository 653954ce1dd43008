#include "farm/coordinator/access.hpp"

#include "farm/protocol/files.hpp"
#include "farm/protocol/keys.hpp"
#include "farm/protocol/limits.hpp"
#include "farm/protocol/sha256.hpp"

#include <algorithm>
#include <cstdio>
#include <sstream>

namespace raymill::farm {

Result<Tenants> Tenants::load(const std::filesystem::path& file, bool make) {
    std::error_code error;
    if (make && !std::filesystem::exists(file, error))
        if (auto ok = write_private_file(file, "local " + make_token() + "\n"); !ok) return std::unexpected(ok.error());
    const auto text = read_private_file(file, 16u << 20);
    if (!text) return std::unexpected(text.error());
    Tenants tenants;
    std::istringstream lines(*text);
    std::size_t number = 0;
    for (std::string line; std::getline(lines, line);) {
        ++number;
        std::istringstream words(line.substr(0, line.find('#')));
        std::string tenant, token, more;
        words >> tenant >> token;
        if (tenant.empty()) continue;
        const auto where = file.string() + ":" + std::to_string(number);
        const auto letter = [](char c) {
            return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
        };
        if (tenant.size() > 64 || !std::ranges::all_of(tenant, letter))
            return fail(Code::usage, where, "a tenant's name is 1 to 64 of letters, digits, '-', '_' and '.'");
        if (token.size() < 16 || token.size() > 4096)
            return fail(Code::usage, where, "a token has 16 characters at least; make one with: openssl rand -hex 32");
        if (words >> more) return fail(Code::usage, where, "after TENANT TOKEN only a remark behind '#' may follow");
        if (!tenants.by_hash_.emplace(sha256_of(token), tenant).second) return fail(Code::usage, where, "this token stands twice");
        if (tenants.first_token_.empty()) tenants.first_token_ = token;
        if (tenants.by_hash_.size() > limits::tenants) return fail(Code::usage, where, "there are more than 10000 tokens");
    }
    if (tenants.by_hash_.empty()) return fail(Code::usage, file.string(), "there is no token in it; write a line TENANT TOKEN");
    return tenants;
}

std::optional<std::string> Tenants::tenant_of(std::string_view token) const {
    // Looked up by its hash, so that the time it takes says nothing about tokens.
    const auto found = by_hash_.find(sha256_of(token));
    return found == by_hash_.end() ? std::nullopt : std::optional(found->second);
}

std::vector<TenantRow> Tenants::rows() const {
    std::vector<TenantRow> rows;
    for (const auto& [hash, tenant] : by_hash_) rows.push_back({tenant, hash});
    return rows;
}

void WorkerKeys::refresh() {
    std::error_code error;
    const auto changed = std::filesystem::last_write_time(file_, error);
    if (error) {
        keys_.clear();
        read_at_.reset();
        return;
    }
    if (read_at_ == changed) return;
    read_at_ = changed;
    keys_.clear();
    const auto text = read_small_file(file_, 16u << 20);
    if (!text) {
        std::fprintf(stderr, "raymill serve: %s\n", text.error().message().c_str());
        return;
    }
    std::istringstream lines(*text);
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        std::string key;
        words >> key;
        if (is_key(key))
            keys_.insert(key);
        else if (!key.empty())
            std::fprintf(stderr, "raymill serve: %s: a line does not begin with a public key of 40 characters and is left out\n",
                         file_.c_str());
    }
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

} // namespace raymill::farm
