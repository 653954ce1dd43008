#pragma once
/// The coordinator's disk: a memory ledger whose commits may fail, with or without effect, and a store of blobs that may fail or be torn.
#include "farm/ledger/ledger.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

namespace raymill::farm::simulate {

/// Passes everything on; the next commit does what `next` says. All entries that became durable are shown to `on_durable`.
class FaultyLedger final : public Ledger {
  public:
    enum class Next { good, lost, unknown_but_durable }; ///< the last two: commit() gives an error
    explicit FaultyLedger(std::function<void(const Entry&)> on_durable) : on_durable_(std::move(on_durable)) {}
    Next next = Next::good;

    Status commit(std::span<const Entry> entries) override {
        const auto how = std::exchange(next, Next::good);
        if (how != Next::lost) {
            if (auto ok = inner_->commit(entries); !ok) return ok;
            for (const auto& entry : entries) on_durable_(entry);
        }
        return how == Next::good ? Status{} : fail(Code::io, "ledger", "the disk failed");
    }
    Result<std::vector<TenantRow>> tenants() override { return inner_->tenants(); }
    Result<bool> has_scene(const std::string& tenant, const std::string& scene) override { return inner_->has_scene(tenant, scene); }
    Result<std::vector<JobRow>> jobs() override { return inner_->jobs(); }
    Result<Progress> progress(scheduler::JobId job) override { return inner_->progress(job); }
    Result<std::uint64_t> last_seq() override { return inner_->last_seq(); }
    Result<std::vector<FrameRow>> frames(scheduler::JobId job, std::uint32_t from, std::size_t limit) override {
        return inner_->frames(job, from, limit);
    }
    Result<std::vector<scheduler::TileAccepted>> tiles(scheduler::JobId job, std::uint32_t frame, std::uint64_t after,
                                                       std::size_t limit) override {
        return inner_->tiles(job, frame, after, limit);
    }
    Result<std::vector<scheduler::TileAccepted>> chunks(scheduler::JobId job, std::uint32_t frame, std::uint32_t first,
                                                        std::size_t limit) override {
        return inner_->chunks(job, frame, first, limit);
    }
    Result<std::vector<UsageRow>> usage(const UsageQuery& query, std::size_t limit) override { return inner_->usage(query, limit); }
    Result<std::vector<scheduler::Logged>> events(scheduler::JobId job, std::uint64_t after, std::size_t limit) override {
        return inner_->events(job, after, limit);
    }

  private:
    std::unique_ptr<Ledger> inner_ = open_memory_ledger();
    std::function<void(const Entry&)> on_durable_;
};

/// Blobs by tenant and hash, as the real store promises them: whole, checked and durable, or not there.
class SimStore {
  public:
    /// False where the bytes are not what the hash says; nothing is kept then.
    bool put(const std::string& tenant, const std::string& sha256, std::string bytes);
    [[nodiscard]] const std::string* find(const std::string& tenant, const std::string& sha256) const;

  private:
    std::unordered_map<std::string, std::string> blobs_; ///< by "tenant/hash"
};

} // namespace raymill::farm::simulate
