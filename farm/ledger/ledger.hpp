#pragma once
/// farm/ledger: what is durable: tenants, scenes, jobs, leases, accepted tiles, frames, events. Includes the core's record types
/// (farm/scheduler/types.hpp) and nothing else of farm/. Called by the coordinator.
#include "farm/scheduler/types.hpp"
#include "renderer/base/error.hpp"

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace raymill::farm {

struct TenantRow {
    std::string name;
    std::string token_sha256; ///< of the bearer token; the token itself is nowhere
    friend bool operator==(const TenantRow&, const TenantRow&) = default;
};

/// Replaces all tenants' tokens.
struct TenantsSet {
    std::vector<TenantRow> tenants;
};

/// All of the scene's blobs, and its canonical manifest, are durable in the tenant's store.
struct SceneAdded {
    std::string tenant;
    std::string scene; ///< SHA-256 of the canonical manifest
    scheduler::Time at = 0;
};

struct JobAdded {
    scheduler::JobSpec spec;
    std::string scene, name, key;
    std::map<std::string, std::string> settings; ///< words, as in the HTTP API
    std::uint32_t tile_edge = 0;
    scheduler::Time at = 0;
    friend bool operator==(const JobAdded& a, const JobAdded& b) {
        return a.spec.id == b.spec.id && a.spec.tenant == b.spec.tenant && a.spec.frames == b.spec.frames && a.spec.tiles == b.spec.tiles &&
               a.scene == b.scene && a.name == b.name && a.key == b.key && a.settings == b.settings && a.tile_edge == b.tile_edge &&
               a.at == b.at;
    }
};

/// What the first worker said about the scene.
struct JobNoted {
    scheduler::JobId job = 0;
    std::string device;
    std::vector<std::string> notes;
};

using Entry = std::variant<scheduler::TaskChanged, scheduler::TileAccepted, scheduler::FrameChanged, scheduler::JobChanged,
                           scheduler::Logged, TenantsSet, SceneAdded, JobAdded, JobNoted>;

struct JobStats {
    std::uint64_t samples = 0, rays = 0;
    double trace_s = 0, trace_cpu_s = 0, prepare_s = 0, peak_rss_mb = 0; ///< sums, but the peak, over accepted tiles
    void add(const scheduler::Output& output);
    friend bool operator==(const JobStats&, const JobStats&) = default;
};

struct JobRow {
    JobAdded added;
    scheduler::JobState state = scheduler::JobState::queued;
    scheduler::Time started = 0, finished = 0; ///< 0: not yet
    scheduler::Fault fault;
    std::string device;
    std::vector<std::string> notes;
    std::uint64_t tiles_done = 0;
    std::uint32_t frames_done = 0, frames_failed = 0;
    JobStats stats;
    friend bool operator==(const JobRow&, const JobRow&) = default;
};

/// What a job used on one day (UTC). Written in the commit that accepts the tiles, so it counts what was accepted and nothing else, each
/// once; it outlives the job's own rows.
struct UsageRow {
    std::string tenant;
    scheduler::JobId job = 0;
    std::int64_t day = 0; ///< days since 1970-01-01
    std::uint64_t tiles = 0, frames = 0;
    double device_s = 0;     ///< seconds of tracing by the device
    double unscored_s = 0;   ///< those of them whose host has no score; they are in no bench_h
    double bench_h = 0;      ///< benchmark-hours: device-seconds times the host's score, in hours
    std::uint64_t bytes = 0; ///< of chunks, previews and frames that were stored
    friend bool operator==(const UsageRow&, const UsageRow&) = default;
};

/// The day that a time lies in.
inline std::int64_t day_of(scheduler::Time at) { return at / (std::int64_t{86400} * scheduler::second); }

struct UsageQuery {
    std::string tenant;                                ///< empty: all tenants
    scheduler::JobId job = 0;                          ///< 0: all jobs
    std::int64_t from = 0, to = std::int64_t{1} << 40; ///< days, `to` not included
};

struct FrameRow {
    std::uint32_t frame = 0;
    scheduler::FrameState state = scheduler::FrameState::queued;
    scheduler::Fault fault;
    std::string sha256;
    std::uint64_t size = 0;
    std::uint32_t tiles_done = 0;
    friend bool operator==(const FrameRow&, const FrameRow&) = default;
};

/// What a restart needs of an unfinished job.
struct Progress {
    std::vector<scheduler::TaskChanged> tasks;
    std::vector<std::pair<std::uint32_t, std::uint32_t>> done; ///< accepted (frame, tile)
    std::vector<scheduler::FrameChanged> frames;
};

/// commit() is for one thread; the questions may come from any thread and see whole commits only.
class Ledger {
  public:
    virtual ~Ledger() = default;
    /// All entries or none, in order; durable when it returns. After an error nothing further may be committed: what the disk has is
    /// unknown.
    virtual Status commit(std::span<const Entry> entries) = 0;

    virtual Result<std::vector<TenantRow>> tenants() = 0;
    virtual Result<bool> has_scene(const std::string& tenant, const std::string& scene) = 0;
    virtual Result<std::vector<JobRow>> jobs() = 0; ///< all, oldest first
    virtual Result<Progress> progress(scheduler::JobId job) = 0;
    virtual Result<std::uint64_t> last_seq() = 0; ///< 0: none
    /// Frames that have a record, from index `from` on, at most `limit`.
    virtual Result<std::vector<FrameRow>> frames(scheduler::JobId job, std::uint32_t from, std::size_t limit) = 0;
    /// Accepted tiles of a frame with a seq above `after`, in the order of seq.
    virtual Result<std::vector<scheduler::TileAccepted>> tiles(scheduler::JobId job, std::uint32_t frame, std::uint64_t after,
                                                               std::size_t limit) = 0;
    /// Accepted tiles of a frame from tile `first` on, in the order of tiles.
    virtual Result<std::vector<scheduler::TileAccepted>> chunks(scheduler::JobId job, std::uint32_t frame, std::uint32_t first,
                                                                std::size_t limit) = 0;
    /// Ordered by tenant, day, job; at most `limit`.
    virtual Result<std::vector<UsageRow>> usage(const UsageQuery& query, std::size_t limit) = 0;
    virtual Result<std::vector<scheduler::Logged>> events(scheduler::JobId job, std::uint64_t after, std::size_t limit) = 0;
};

std::unique_ptr<Ledger> open_memory_ledger();

/// Copies a ledger to a file that is not there yet, as it is at one moment, while a server may write it. The copy is synced.
Status back_up_sqlite_ledger(const std::filesystem::path& from, const std::filesystem::path& to);

/// One file, WAL, synchronous=FULL. Upgrades one that an older raymill wrote, in one transaction; refuses one of a newer.
Result<std::unique_ptr<Ledger>> open_sqlite_ledger(const std::filesystem::path& file);

} // namespace raymill::farm
