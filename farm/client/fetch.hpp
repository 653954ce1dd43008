#pragma once
/// Finished frames on their way to files.
#include "farm/client/client.hpp"

#include <filesystem>
#include <functional>

namespace raymill::farm::client {

/// Brings one finished frame to `target`, whole or not at all: a temporary name in the same folder, its hash checked, then renamed over
/// what is there. A broken connection goes on where it broke. Code::refused while the frame is not done; Code::io where the file cannot be
/// written.
Status fetch_frame(Client& client, const std::string& job, const FrameInfo& frame, const std::filesystem::path& target);

/// Where a frame is to lie.
using FrameTarget = std::function<std::filesystem::path(std::int32_t frame)>;

struct FetchResult {
    std::uint64_t saved = 0, failed = 0; ///< frames
    JobInfo job;                         ///< as it was at the end
};

/// Brings every frame that is done; with `follow`, goes on until the job is over, each frame the moment it is assembled. `on_saved` is
/// called after each; `on_event` (may be empty) for each of the job's events. The files are the caller's to name: two frames may not share
/// one.
Result<FetchResult> fetch_frames(Client& client, const std::string& job, bool follow, const FrameTarget& target,
                                 const std::function<void(std::int32_t frame, const std::filesystem::path& file)>& on_saved,
                                 const std::function<void(const Event&)>& on_event);

} // namespace raymill::farm::client
