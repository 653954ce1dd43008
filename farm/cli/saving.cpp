#include "farm/cli/saving.hpp"

#include "farm/cli/json_line.hpp"
#include "farm/cli/report.hpp"
#include "renderer/base/settings.hpp"

#include <algorithm>

namespace raymill::cli {

Result<OutputName> output_of(const farm::client::JobInfo& job, const std::string& text) {
    const auto settings = parse_settings(job.settings);
    if (!settings) return std::unexpected(settings.error());
    std::string stem = job.name.empty() ? job.id : job.name;
    std::ranges::replace(stem, '/', '_');
    if (stem.front() == '.') stem.front() = '_';
    auto name = OutputName::parse(text, stem, settings->format);
    if (!name) return name;
    if (name->format() != settings->format)
        return fail(Code::usage, text, "the job's frames are ." + settings->format + " files; a name with that ending is needed");
    if (auto good = name->check(settings->frames.empty() ? 0 : settings->frames.front(), job.frames > 1); !good)
        return std::unexpected(good.error());
    return name;
}

Result<farm::client::FetchResult> save_frames(farm::client::Client& client, const farm::client::JobInfo& job, const OutputName& output,
                                              bool follow, Progress& progress, Notes& notes) {
    const bool many = job.frames > 1;
    const double samples = samples_of(job);
    auto fetched = farm::client::fetch_frames(
        client, job.id, follow, [&](std::int32_t frame) { return output.of(frame, many); },
        [&](std::int32_t frame, const std::filesystem::path& file) {
            if (manner().json)
                print_json({{"event", "saved"}, {"job", job.id}, {"frame", frame}, {"output", file.string()}});
            else if (!manner().quiet)
                print_line(file.string());
        },
        [&](const farm::client::Event& event) {
            if (manner().json) print_line(event.json);
            progress.tiles(event.tiles_done, event.tiles, samples);
        });
    Progress::clear();
    if (fetched) notes.say_new(fetched->job.notes);
    return fetched;
}

} // namespace raymill::cli
