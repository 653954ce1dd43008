#include "farm/client/client.hpp"

#include "farm/protocol/sha256.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace raymill::farm::client {
namespace {

using Json = nlohmann::json;

// Readers of an answer's fields: a field that lacks or has another type reads as nothing, so a newer server's answer is understood as far
// as it goes.
std::string text_at(const Json& object, const char* key) {
    const auto at = object.find(key);
    return at != object.end() && at->is_string() ? at->get<std::string>() : std::string();
}

std::uint64_t count_at(const Json& object, const char* key) {
    const auto at = object.find(key);
    return at != object.end() && at->is_number_unsigned() ? at->get<std::uint64_t>() : 0;
}

std::int64_t integer_at(const Json& object, const char* key) {
    const auto at = object.find(key);
    return at != object.end() && at->is_number_integer() ? at->get<std::int64_t>() : 0;
}

double real_at(const Json& object, const char* key) {
    const auto at = object.find(key);
    return at != object.end() && at->is_number() ? at->get<double>() : 0;
}

const Json& object_at(const Json& object, const char* key) {
    static const Json nothing = Json::object();
    const auto at = object.find(key);
    return at != object.end() && at->is_object() ? *at : nothing;
}

/// One line that a terminal can be trusted with.
std::string one_line(std::string text) {
    for (char& c : text)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
    return text;
}

std::string line_of(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); }

std::optional<Error> error_at(const Json& object) {
    const auto& error = object_at(object, "error");
    if (error.empty()) return std::nullopt;
    return Error{code_named(text_at(error, "code")), "", one_line(text_at(error, "message"))};
}

std::optional<std::int32_t> frame_at(const Json& object) {
    const auto at = object.find("frame");
    if (at == object.end() || !at->is_number_integer()) return std::nullopt;
    const auto value = at->get<std::int64_t>();
    if (value < INT32_MIN || value > INT32_MAX) return std::nullopt;
    return static_cast<std::int32_t>(value);
}

JobInfo job_of(const Json& j) {
    JobInfo job;
    job.id = text_at(j, "job"), job.name = one_line(text_at(j, "name")), job.key = one_line(text_at(j, "key")),
    job.scene = text_at(j, "scene");
    job.state = one_line(text_at(j, "state")), job.device = one_line(text_at(j, "device"));
    for (const auto& [name, value] : object_at(j, "settings").items())
        if (value.is_string()) job.settings.emplace(name, value.get<std::string>());
    const auto& frames = object_at(j, "frames");
    job.frames = count_at(frames, "total"), job.frames_done = count_at(frames, "done"), job.frames_failed = count_at(frames, "failed");
    const auto& tiles = object_at(j, "tiles");
    job.tiles = count_at(tiles, "total"), job.tiles_done = count_at(tiles, "done"), job.tiles_leased = count_at(tiles, "leased");
    job.created_us = integer_at(j, "created_us"), job.started_us = integer_at(j, "started_us"),
    job.finished_us = integer_at(j, "finished_us");
    job.error = error_at(j);
    if (const auto notes = j.find("notes"); notes != j.end() && notes->is_array())
        for (const auto& note : *notes)
            if (note.is_string()) job.notes.push_back(one_line(note.get<std::string>()));
    const auto& stats = object_at(j, "stats");
    job.samples = count_at(stats, "samples"), job.rays = count_at(stats, "rays");
    job.trace_s = real_at(stats, "trace_s"), job.trace_cpu_s = real_at(stats, "trace_cpu_s"), job.prepare_s = real_at(stats, "prepare_s");
    job.peak_rss_mb = real_at(stats, "peak_rss_mb");
    job.json = line_of(j);
    return job;
}

FrameInfo frame_of(const Json& j) {
    return {frame_at(j).value_or(0), one_line(text_at(j, "state")), text_at(j, "sha256"), count_at(j, "size"), error_at(j)};
}

Event event_of(const Json& j) {
    Event event;
    event.seq = count_at(j, "seq"), event.time_us = integer_at(j, "time_us");
    event.event = one_line(text_at(j, "event")), event.state = one_line(text_at(j, "state"));
    event.frame = frame_at(j), event.error = error_at(j);
    const auto& tiles = object_at(j, "tiles");
    event.tiles = count_at(tiles, "total"), event.tiles_done = count_at(tiles, "done");
    event.json = line_of(j);
    return event;
}

/// The answer's object, or the failure that it is.
Result<Json> answer_of(const Result<Response>& response, const std::string& where, const ServerAddress& server) {
    if (!response) return std::unexpected(response.error());
    if (response->status < 200 || response->status >= 300) return std::unexpected(refusal(*response, where));
    auto body = Json::parse(response->body, nullptr, false);
    if (!body.is_object()) return fail(Code::refused, server.url(), "the answer is not raymill's; is another server at that address?");
    return body;
}

/// The answer's list called `key`; every element an object.
Result<std::vector<Json>> list_of(const Result<Json>& answer, const char* key, const ServerAddress& server) {
    if (!answer) return std::unexpected(answer.error());
    const auto at = answer->find(key);
    if (at == answer->end() || !at->is_array())
        return fail(Code::refused, server.url(), std::string("the answer has no list \"") + key + "\"; is it another server?");
    std::vector<Json> list;
    for (const auto& element : *at)
        if (element.is_object()) list.push_back(element);
    return list;
}

std::string job_path(const std::string& id) { return "/v1/jobs/" + id; }
std::string about(const std::string& id) { return "job " + id; }

} // namespace

std::optional<Error> JobInfo::fault() const {
    if (state == "done" || !over()) return std::nullopt;
    const std::string where = "job " + id;
    if (state == "cancelled") return Error{Code::failed, where, "was cancelled"};
    if (error) return Error{error->code, where, error->message()};
    return Error{Code::failed, where, "failed"};
}

Status check_job_id(const std::string& id) {
    const auto hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
    if (id.empty() || id.size() > 64 || !std::ranges::all_of(id, hex))
        return fail(Code::usage, one_line(id.substr(0, 80)), "is not a job's id; \"raymill jobs\" lists them");
    return {};
}

Result<std::string> Client::health() {
    const auto answer = answer_of(http_.get("/healthz"), http_.server().url(), http_.server());
    if (!answer) return std::unexpected(answer.error());
    return text_at(*answer, "version");
}

Result<std::vector<Missing>> Client::missing_blobs(const Manifest& manifest) {
    const auto list =
        list_of(answer_of(http_.post("/v1/scenes/missing", "{\"manifest\":" + canonical(manifest) + "}"), manifest.main, http_.server()),
                "missing", http_.server());
    if (!list) return std::unexpected(list.error());
    std::vector<Missing> missing;
    for (const auto& m : *list) missing.push_back({text_at(m, "sha256"), count_at(m, "size"), count_at(m, "have")});
    return missing;
}

Result<std::string> Client::create_scene(const Manifest& manifest) {
    const auto answer = answer_of(http_.post("/v1/scenes", "{\"manifest\":" + canonical(manifest) + "}"), manifest.main, http_.server());
    if (!answer) return std::unexpected(answer.error());
    return text_at(*answer, "scene");
}

Result<Submitted> Client::submit(const Submission& submission) {
    Json body = {{"scene", submission.scene},
                 {"settings", submission.settings},
                 {"key", submission.key.empty() ? "once-" + random_hex(16) : submission.key}};
    if (!submission.name.empty()) body["name"] = submission.name;
    const auto answer = answer_of(http_.post("/v1/jobs", line_of(body)), submission.name, http_.server());
    if (!answer) return std::unexpected(answer.error());
    const auto created = answer->find("created");
    const Submitted submitted{text_at(*answer, "job"), created != answer->end() && created->is_boolean() && created->get<bool>()};
    if (!check_job_id(submitted.job))
        return fail(Code::refused, http_.server().url(), "the answer names no job; is another server at that address?");
    return submitted;
}

Result<std::vector<JobInfo>> Client::jobs(unsigned limit) {
    const auto list =
        list_of(answer_of(http_.get("/v1/jobs?limit=" + std::to_string(limit)), "jobs", http_.server()), "jobs", http_.server());
    if (!list) return std::unexpected(list.error());
    std::vector<JobInfo> jobs;
    for (const auto& j : *list) jobs.push_back(job_of(j));
    return jobs;
}

Result<JobInfo> Client::job(const std::string& id) {
    if (auto good = check_job_id(id); !good) return std::unexpected(good.error());
    const auto answer = answer_of(http_.get(job_path(id)), about(id), http_.server());
    if (!answer) return std::unexpected(answer.error());
    return job_of(*answer);
}

Result<JobInfo> Client::cancel(const std::string& id) {
    if (auto good = check_job_id(id); !good) return std::unexpected(good.error());
    const auto answer = answer_of(http_.post(job_path(id) + "/cancel", "{}"), about(id), http_.server());
    if (!answer) return std::unexpected(answer.error());
    return job_of(*answer);
}

Result<FrameInfo> Client::frame(const std::string& id, std::int32_t frame) {
    if (auto good = check_job_id(id); !good) return std::unexpected(good.error());
    const auto answer = answer_of(http_.get(job_path(id) + "/frames/" + std::to_string(frame)),
                                  about(id) + " frame " + std::to_string(frame), http_.server());
    if (!answer) return std::unexpected(answer.error());
    return frame_of(*answer);
}

Result<std::vector<FrameInfo>> Client::frames(const std::string& id, std::uint64_t from, std::optional<std::uint64_t>& next) {
    if (auto good = check_job_id(id); !good) return std::unexpected(good.error());
    const auto answer = answer_of(http_.get(job_path(id) + "/frames?from=" + std::to_string(from)), about(id), http_.server());
    const auto list = list_of(answer, "frames", http_.server());
    if (!list) return std::unexpected(list.error());
    const auto at = answer->find("next");
    next = at != answer->end() && at->is_number_unsigned() && at->get<std::uint64_t>() > from ? std::optional(at->get<std::uint64_t>())
                                                                                              : std::nullopt;
    std::vector<FrameInfo> frames;
    for (const auto& f : *list) frames.push_back(frame_of(f));
    return frames;
}

Result<std::vector<Event>> Client::events(const std::string& id, std::uint64_t& after) {
    if (auto good = check_job_id(id); !good) return std::unexpected(good.error());
    constexpr int waits_s = 30;
    const auto path = job_path(id) + "/events?after=" + std::to_string(after) + "&wait_s=" + std::to_string(waits_s);
    const auto answer = answer_of(http_.get(path, std::chrono::seconds(waits_s)), about(id), http_.server());
    const auto list = list_of(answer, "events", http_.server());
    if (!list) return std::unexpected(list.error());
    std::vector<Event> events;
    for (const auto& e : *list) events.push_back(event_of(e));
    after = std::max(after, count_at(*answer, "next"));
    return events;
}

Result<std::vector<WorkerInfo>> Client::workers() {
    const auto list = list_of(answer_of(http_.get("/v1/workers"), "workers", http_.server()), "workers", http_.server());
    if (!list) return std::unexpected(list.error());
    std::vector<WorkerInfo> workers;
    for (const auto& w : *list)
        workers.push_back({one_line(text_at(w, "id")), one_line(text_at(w, "host")), one_line(text_at(w, "device")),
                           one_line(text_at(w, "state")), count_at(w, "tiles_done"), count_at(w, "running"), line_of(w)});
    return workers;
}

Result<std::vector<UsageInfo>> Client::usage(const std::string& query) {
    const auto list = list_of(answer_of(http_.get("/v1/usage?" + query), "usage", http_.server()), "usage", http_.server());
    if (!list) return std::unexpected(list.error());
    std::vector<UsageInfo> rows;
    for (const auto& u : *list)
        rows.push_back({one_line(text_at(u, "tenant")), one_line(text_at(u, "job")), one_line(text_at(u, "day")), count_at(u, "tiles"),
                        count_at(u, "frames"), count_at(u, "bytes"), real_at(u, "device_s"), real_at(u, "unscored_s"),
                        real_at(u, "bench_h"), line_of(u)});
    return rows;
}

Result<std::string> Client::usage_csv(const std::string& query) {
    auto response = http_.get("/v1/usage?format=csv&" + query);
    if (!response) return std::unexpected(response.error());
    if (response->status != 200) return std::unexpected(refusal(*response, "usage"));
    return std::move(response->body);
}

Result<JobInfo> Client::follow(const std::string& id, std::uint64_t after, const std::function<Status(const Event&)>& on_event) {
    for (;;) {
        auto page = events(id, after);
        if (!page) return std::unexpected(page.error());
        bool ended = page->empty(); // half a minute of silence: ask, in case the last event was before `after`
        for (const auto& event : *page) {
            if (auto good = on_event(event); !good) return std::unexpected(good.error());
            // Only the event that ends the job: to ask at an earlier one could find it over while its last events are still to come.
            ended = ended || (event.event == "job" && is_over(event.state));
        }
        if (!ended) continue;
        auto state = job(id);
        if (!state || state->over()) return state;
    }
}

} // namespace raymill::farm::client
