#pragma once
/// Jobs as people ask for them, in memory: what the ledger has, kept up with each commit. Belongs to the shell's thread.
#include "farm/ledger/ledger.hpp"
#include "renderer/base/settings.hpp"
#include "renderer/base/tile_grid.hpp"

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace raymill::farm {

struct CatalogJob {
    JobRow row;
    Settings settings;
    std::vector<std::int32_t> numbers; ///< of the frames, ascending; {0} for a still
    [[nodiscard]] TileGrid grid() const { return {settings.width, settings.height, row.added.tile_edge}; }
    /// The index of frame number `number`; none where the job has no such frame.
    [[nodiscard]] std::optional<std::uint32_t> index_of(std::int32_t number) const;
};

class Catalog {
  public:
    /// Code::bad_input where the ledger has a job whose settings this raymill cannot read.
    Status load(std::vector<JobRow> rows);
    /// What was just committed.
    void apply(const Entry& entry);

    [[nodiscard]] const CatalogJob* find(scheduler::JobId job) const;
    /// The tenant's own job, else none: others' jobs are as if they were not there.
    [[nodiscard]] const CatalogJob* find(const std::string& tenant, scheduler::JobId job) const;
    [[nodiscard]] const CatalogJob* by_key(const std::string& tenant, const std::string& key) const;
    /// Newest first.
    [[nodiscard]] std::vector<const CatalogJob*> newest(const std::string& tenant, std::size_t limit) const;
    [[nodiscard]] scheduler::JobId last_id() const { return jobs_.empty() ? 0 : jobs_.rbegin()->first; }
    /// Camera samples a second of one worker, from what was accepted lately; a guess before that.
    [[nodiscard]] double samples_per_second() const { return samples_per_second_; }

  private:
    Status add(JobRow row);
    std::map<scheduler::JobId, CatalogJob> jobs_;
    std::map<std::pair<std::string, std::string>, scheduler::JobId> keys_;
    double samples_per_second_ = 1e6; // a small CPU host on a plain scene; the first accepted tiles correct it
};

/// Words that name job and frame states in JSON.
const char* name_of(scheduler::JobState state);
const char* name_of(scheduler::FrameState state);
std::string job_text(scheduler::JobId job);
std::optional<scheduler::JobId> parse_job(const std::string& text);

/// JOB of api.hpp, as JSON text.
std::string job_json(const CatalogJob& job, std::uint64_t leased);
/// FRAME; `row`: the frame's record, or none.
std::string frame_json(const CatalogJob& job, std::uint32_t index, const FrameRow* row);
/// {"tiles": [TILE], "next": SEQ} and {"events": [EVENT], "next": SEQ}; SEQ is `after` where there are none.
std::string tiles_json(const CatalogJob& job, const std::vector<scheduler::TileAccepted>& tiles, std::uint64_t after);
std::string events_json(const CatalogJob& job, const std::vector<scheduler::Logged>& events, std::uint64_t after);

} // namespace raymill::farm
