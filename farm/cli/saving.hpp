#pragma once
/// A job's frames on their way to files, with progress: what fetch, submit --wait and render share.
#include "farm/cli/job_view.hpp"
#include "farm/cli/output_name.hpp"
#include "farm/cli/progress.hpp"
#include "farm/client/fetch.hpp"

namespace raymill::cli {

/// -o for this job, checked against its format, its frames and the folder.
Result<OutputName> output_of(const farm::client::JobInfo& job, const std::string& text);

/// Fetches with a bar (where following), says each file as it lies there (--json: {"event": "saved", ...}; with --json the job's events
/// too) and the notes.
Result<farm::client::FetchResult> save_frames(farm::client::Client& client, const farm::client::JobInfo& job, const OutputName& output,
                                              bool follow, Progress& progress, Notes& notes);

} // namespace raymill::cli
