#pragma once
/// A copy of a coordinator's data folder that another coordinator can go on with, made while the first one runs. The ledger is copied
/// first, as it is at one moment; then the store, which by then has every blob that the copied ledger knows, since blobs are durable before
/// they are written down. What comes in meanwhile may or may not be in the copy's store, and is not in its ledger: workers that still hold
/// such results offer them again, and the tiles are accepted then.
#include "renderer/base/error.hpp"

#include <cstdint>
#include <filesystem>

namespace raymill::farm {

struct BackupResult {
    std::uint64_t files = 0, bytes = 0; ///< copied
};

/// `to` must not be there yet; it appears under its name only when it is whole and synced. Keys and tokens go along, so it is as secret as
/// the folder itself. Restoring is `serve --data` on the copy, or on a copy of it.
Result<BackupResult> back_up(const std::filesystem::path& data, const std::filesystem::path& to);

} // namespace raymill::farm
