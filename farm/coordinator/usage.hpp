#pragma once
/// Usage as programs read it: JSON or CSV of the ledger's rows, summed by what was asked for.
#include "farm/ledger/ledger.hpp"

#include <optional>
#include <string>

namespace raymill::farm {

enum class UsageBy { tenant, job, day };

/// "2026-11-24"; none where it is no such date.
std::optional<std::int64_t> parse_day(const std::string& text);
std::string day_text(std::int64_t day);

/// Sums over what is not asked for: by tenant (one row a tenant), by job (tenant and job), by day (tenant and day). In that order of keys.
std::vector<UsageRow> sum_usage(const std::vector<UsageRow>& rows, UsageBy by);

/// {"usage": [{"tenant", "job"?, "day"?, "tiles", "frames", "device_s", "unscored_s", "bench_h", "bytes"}]}
std::string usage_json(const std::vector<UsageRow>& rows, UsageBy by);
/// RFC 4180, with a heading; the same columns. A field that a spreadsheet would take for a formula is led by an apostrophe.
std::string usage_csv(const std::vector<UsageRow>& rows, UsageBy by);

/// The words of GET /v1/usage, empty where absent.
struct UsageWords {
    std::string job, from, to, by, format;
};
struct UsageRequest {
    UsageQuery query;
    UsageBy by = UsageBy::job;
    bool csv = false;
};
/// Code::usage where a word cannot be understood.
Result<UsageRequest> read_usage_request(const std::string& tenant, const UsageWords& words);

} // namespace raymill::farm
