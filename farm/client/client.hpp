#pragma once
/// The HTTP API's calls as functions, its answers as plain data. One Client is used by one thread at a time.
#include "farm/client/http.hpp"
#include "farm/protocol/manifest.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace raymill::farm::client {

/// Whether a job in this state has ended.
inline bool is_over(std::string_view state) { return state == "done" || state == "failed" || state == "cancelled"; }

struct JobInfo {
    std::string id, name, key, scene, state, device;
    std::map<std::string, std::string> settings;
    std::uint64_t frames = 0, frames_done = 0, frames_failed = 0;
    std::uint64_t tiles = 0, tiles_done = 0, tiles_leased = 0;
    std::int64_t created_us = 0, started_us = 0, finished_us = 0; ///< since 1970; 0: not yet
    std::optional<Error> error;
    std::vector<std::string> notes; ///< what is not drawn as meant
    std::uint64_t samples = 0, rays = 0;
    double trace_s = 0, trace_cpu_s = 0, prepare_s = 0, peak_rss_mb = 0;
    std::string json; ///< the server's own words, on one line

    [[nodiscard]] bool over() const { return is_over(state); }
    /// Why an ended job has no result; nothing for one that is done. The worker's code is kept, so that a bad scene is Code::bad_input here
    /// too.
    [[nodiscard]] std::optional<Error> fault() const;
};

struct FrameInfo {
    std::int32_t frame = 0;
    std::string state, sha256; ///< sha256 and size of the finished file
    std::uint64_t size = 0;
    std::optional<Error> error;
};

struct Event {
    std::uint64_t seq = 0;
    std::int64_t time_us = 0;
    std::string event, state; ///< "tile", "frame" or "job"; state may be empty
    std::optional<std::int32_t> frame;
    std::optional<Error> error;
    std::uint64_t tiles = 0, tiles_done = 0; ///< of the whole job
    std::string json;
};

struct WorkerInfo {
    std::string id, host, device, state;
    std::uint64_t tiles_done = 0, running = 0;
    std::string json;
};

struct UsageInfo {
    std::string tenant, job, day; ///< job and day: empty where it is summed over them
    std::uint64_t tiles = 0, frames = 0, bytes = 0;
    double device_s = 0, unscored_s = 0, bench_h = 0;
    std::string json;
};

struct Missing {
    std::string sha256;
    std::uint64_t size = 0, have = 0; ///< bytes
};

struct Submission {
    std::string scene; ///< its id
    std::map<std::string, std::string> settings;
    std::string name;
    std::string key; ///< the same key twice is one job; empty: a fresh one is made, so that a request sent again after a broken connection
                     ///< is still one job
};

struct Submitted {
    std::string job;
    bool created = false; ///< false: the key was known, and this is its job
};

class Client {
  public:
    explicit Client(Http http) : http_(std::move(http)) {}

    /// The server's version; the cheapest way to learn whether it is there.
    Result<std::string> health();
    Result<std::vector<Missing>> missing_blobs(const Manifest& manifest);
    /// The scene's id. Code::refused where blobs lack still.
    Result<std::string> create_scene(const Manifest& manifest);
    Result<Submitted> submit(const Submission& submission);
    Result<std::vector<JobInfo>> jobs(unsigned limit);
    Result<JobInfo> job(const std::string& id);
    Result<JobInfo> cancel(const std::string& id);
    Result<FrameInfo> frame(const std::string& id, std::int32_t frame);
    /// Frames from the `from`-th on, in ascending order; `next` is where to go on, none after the last.
    Result<std::vector<FrameInfo>> frames(const std::string& id, std::uint64_t from, std::optional<std::uint64_t>& next);
    /// Events after `after`, which moves on; waits up to half a minute for a first one, so an empty list says nothing of the job's end.
    Result<std::vector<Event>> events(const std::string& id, std::uint64_t& after);
    Result<std::vector<WorkerInfo>> workers();
    /// What was used, summed. `query`: the API's parameters, as "by=day&from=2026-01-01".
    Result<std::vector<UsageInfo>> usage(const std::string& query);
    Result<std::string> usage_csv(const std::string& query);

    // For operators. What is asked for comes as the server's JSON object.
    Result<std::string> tenants();
    Result<std::string> add_tenant(const std::string& name);
    Result<std::string> remove_tenant(const std::string& name);
    Result<std::string> keys();
    Result<std::string> make_key(const std::string& json_wish); ///< {"scope", "tenant"?, "note"?, "expires_s"?}
    Result<std::string> revoke_key(const std::string& id);      ///< a key's id or a worker's public key
    Result<std::string> audit(std::uint64_t after, std::size_t limit);
    /// Brings a worker in with the one-time key that this client has for a token. The server's public CURVE key.
    Result<std::string> enrol(const std::string& public_key, const std::string& name);

    /// Watches the job to its end, calling `on_event` for each event after `after`, then gives its last state. Rides over a server's
    /// restart.
    Result<JobInfo> follow(const std::string& id, std::uint64_t after, const std::function<Status(const Event&)>& on_event);

    Http& http() { return http_; }

  private:
    Http http_;
};

/// Whether `id` can be a job's: 1 to 64 of 0-9a-f. Checked before it becomes part of a path; Code::usage.
Status check_job_id(const std::string& id);

} // namespace raymill::farm::client
