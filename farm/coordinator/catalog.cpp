#include "farm/coordinator/catalog.hpp"

#include "renderer/base/check.hpp"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

namespace raymill::farm {

using namespace scheduler;
using nlohmann::json;

std::optional<std::uint32_t> CatalogJob::index_of(std::int32_t number) const {
    const auto at = std::ranges::lower_bound(numbers, number);
    if (at == numbers.end() || *at != number) return {};
    return static_cast<std::uint32_t>(at - numbers.begin());
}

Status Catalog::load(std::vector<JobRow> rows) {
    for (auto& row : rows)
        if (auto ok = add(std::move(row)); !ok) return ok;
    return {};
}

Status Catalog::add(JobRow row) {
    const auto id = row.added.spec.id;
    auto settings = parse_settings(row.added.settings);
    if (!settings) return std::unexpected(settings.error().within("job " + job_text(id)));
    CatalogJob job{.row = std::move(row), .settings = std::move(*settings), .numbers = {}};
    job.numbers = job.settings.frames.empty() ? std::vector<std::int32_t>{0} : job.settings.frames;
    if (job.numbers.size() != job.row.added.spec.frames || job.row.added.tile_edge == 0 || job.grid().count() != job.row.added.spec.tiles)
        return fail(Code::bad_input, "job " + job_text(id), "its settings and its frames in the ledger disagree");
    if (!job.row.added.key.empty()) keys_[{job.row.added.spec.tenant, job.row.added.key}] = id;
    jobs_[id] = std::move(job);
    return {};
}

void Catalog::apply(const Entry& entry) {
    const auto row_of = [this](JobId id) -> JobRow& { return jobs_.at(id).row; };
    if (const auto* added = std::get_if<JobAdded>(&entry)) {
        JobRow row;
        row.added = *added;
        CHECK_TRUE(add(std::move(row)).has_value()); // it was made from parsed settings a moment ago
    } else if (const auto* noted = std::get_if<JobNoted>(&entry)) {
        row_of(noted->job).device = noted->device;
        row_of(noted->job).notes = noted->notes;
    } else if (const auto* changed = std::get_if<JobChanged>(&entry)) {
        auto& row = row_of(changed->job);
        row.state = changed->state;
        row.fault = changed->fault;
        if (changed->state == JobState::running) row.started = changed->at;
        if (changed->state != JobState::running && changed->state != JobState::queued) row.finished = changed->at;
    } else if (const auto* frame = std::get_if<FrameChanged>(&entry)) {
        if (frame->state == FrameState::done) ++row_of(frame->job).frames_done;
        if (frame->state == FrameState::failed) ++row_of(frame->job).frames_failed;
    } else if (const auto* tile = std::get_if<TileAccepted>(&entry)) {
        auto& row = row_of(tile->task.job);
        ++row.tiles_done;
        row.stats.add(tile->output);
        if (tile->output.trace_s > 1e-3 && tile->output.samples > 0)
            samples_per_second_ += 0.1 * (static_cast<double>(tile->output.samples) / tile->output.trace_s - samples_per_second_);
    }
}

const CatalogJob* Catalog::find(JobId job) const {
    const auto found = jobs_.find(job);
    return found == jobs_.end() ? nullptr : &found->second;
}

const CatalogJob* Catalog::find(const std::string& tenant, JobId job) const {
    const auto* found = find(job);
    return found != nullptr && found->row.added.spec.tenant == tenant ? found : nullptr;
}

const CatalogJob* Catalog::by_key(const std::string& tenant, const std::string& key) const {
    const auto found = keys_.find({tenant, key});
    return found == keys_.end() ? nullptr : find(found->second);
}

std::vector<const CatalogJob*> Catalog::newest(const std::string& tenant, std::size_t limit) const {
    std::vector<const CatalogJob*> jobs;
    for (auto at = jobs_.rbegin(); at != jobs_.rend() && jobs.size() < limit; ++at)
        if (at->second.row.added.spec.tenant == tenant) jobs.push_back(&at->second);
    return jobs;
}

const char* name_of(JobState state) {
    static constexpr const char* names[] = {"queued", "running", "done", "failed", "cancelled"};
    return names[static_cast<unsigned>(state)];
}

const char* name_of(FrameState state) {
    static constexpr const char* names[] = {"queued", "running", "assembling", "done", "failed"};
    return names[static_cast<unsigned>(state)];
}

std::string job_text(JobId job) {
    char text[17];
    const auto end = std::to_chars(text, text + sizeof text, job, 16).ptr;
    return {text, end};
}

std::optional<JobId> parse_job(const std::string& text) {
    JobId job = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), job, 16);
    if (error != std::errc() || end != text.data() + text.size() || job_text(job) != text) return {};
    return job;
}

namespace {

json fault_json(const Fault& fault) { return fault == Fault{} ? json() : json{{"code", fault.code}, {"message", fault.message}}; }
json time_json(Time at) { return at == 0 ? json() : json(at); }
std::string text_of(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

} // namespace

std::string job_json(const CatalogJob& job, std::uint64_t leased) {
    const auto& row = job.row;
    const auto& spec = row.added.spec;
    const auto& stats = row.stats;
    return text_of({{"job", job_text(spec.id)},
                    {"name", row.added.name},
                    {"key", row.added.key},
                    {"scene", row.added.scene},
                    {"state", name_of(row.state)},
                    {"settings", row.added.settings},
                    {"frames", {{"total", spec.frames}, {"done", row.frames_done}, {"failed", row.frames_failed}}},
                    {"tiles", {{"total", std::uint64_t{spec.frames} * spec.tiles}, {"done", row.tiles_done}, {"leased", leased}}},
                    {"created_us", row.added.at},
                    {"started_us", time_json(row.started)},
                    {"finished_us", time_json(row.finished)},
                    {"error", fault_json(row.fault)},
                    {"notes", row.notes},
                    {"device", row.device},
                    {"stats",
                     {{"samples", stats.samples},
                      {"rays", stats.rays},
                      {"trace_s", stats.trace_s},
                      {"trace_cpu_s", stats.trace_cpu_s},
                      {"prepare_s", stats.prepare_s},
                      {"peak_rss_mb", stats.peak_rss_mb}}}});
}

std::string frame_json(const CatalogJob& job, std::uint32_t index, const FrameRow* row) {
    const bool over = job.row.state != JobState::queued && job.row.state != JobState::running;
    const auto state = row != nullptr ? row->state : FrameState::queued;
    const bool ended = state == FrameState::done || state == FrameState::failed;
    return text_of({{"frame", job.numbers[index]},
                    {"state", over && !ended ? "cancelled" : name_of(state)},
                    {"tiles", {{"total", job.row.added.spec.tiles}, {"done", row != nullptr ? row->tiles_done : 0}}},
                    {"width", job.settings.width},
                    {"height", job.settings.height},
                    {"sha256", state == FrameState::done ? json(row->sha256) : json()},
                    {"size", state == FrameState::done ? json(row->size) : json()},
                    {"error", row != nullptr ? fault_json(row->fault) : json()}});
}

std::string tiles_json(const CatalogJob& job, const std::vector<TileAccepted>& tiles, std::uint64_t after) {
    auto list = json::array();
    for (const auto& tile : tiles) {
        const auto rect = job.grid().rect(tile.task.tile);
        list.push_back(
            {{"tile", tile.task.tile}, {"x", rect.x}, {"y", rect.y}, {"width", rect.width}, {"height", rect.height}, {"seq", tile.seq}});
    }
    return text_of({{"tiles", list}, {"next", tiles.empty() ? after : tiles.back().seq}});
}

std::string events_json(const CatalogJob& job, const std::vector<Logged>& events, std::uint64_t after) {
    auto list = json::array();
    for (const auto& event : events) {
        json one{{"seq", event.seq},
                 {"time_us", event.at},
                 {"event", event.what},
                 {"state", event.state},
                 {"tiles", {{"total", event.tiles_total}, {"done", event.tiles_done}}}};
        if (event.what != "job") one["frame"] = job.numbers.at(event.frame);
        if (event.what == "tile") one["tile"] = event.tile;
        if (event.fault != Fault{}) one["error"] = {{"code", event.fault.code}, {"message", event.fault.message}};
        list.push_back(std::move(one));
    }
    return text_of({{"events", list}, {"next", events.empty() ? after : events.back().seq}});
}

} // namespace raymill::farm
