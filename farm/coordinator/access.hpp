#pragma once
/// Who may come in: tenants by bearer token, workers by CURVE key. Files as serve.hpp says.
#include "farm/ledger/ledger.hpp"

#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace raymill::farm {

/// Tenants by the hash of their token; fixed while serving. Any thread.
class Tenants {
  public:
    /// Reads `file`: lines of "TENANT TOKEN", '#' begins a remark. Where it lacks and `make` is set, one with the tenant "local" is made.
    static Result<Tenants> load(const std::filesystem::path& file, bool make);
    [[nodiscard]] std::optional<std::string> tenant_of(std::string_view token) const;
    [[nodiscard]] std::vector<TenantRow> rows() const;
    /// A token of the first tenant in the file, for clients of the same user on this machine.
    [[nodiscard]] const std::string& first_token() const { return first_token_; }

  private:
    std::map<std::string, std::string> by_hash_;
    std::string first_token_;
};

/// Keys of workers. Any thread.
class WorkerKeys {
  public:
    /// `local`: a key that is accepted besides those in the file; may be empty.
    WorkerKeys(std::filesystem::path file, std::string local) : file_(std::move(file)), local_(std::move(local)) {}
    /// Reads the file where it changed; a line that is no key is said once on standard error and left out.
    bool accepts(const std::string& key);
    [[nodiscard]] std::size_t count();

  private:
    void refresh();
    std::filesystem::path file_;
    std::string local_;
    std::mutex mutex_;
    std::optional<std::filesystem::file_time_type> read_at_;
    std::set<std::string> keys_;
};

} // namespace raymill::farm
