#pragma once
/// What this worker rendered and the coordinator has not acknowledged: on disk, over restarts, until a verdict comes. Belongs to the
/// supervisor's thread.
#include "farm/protocol/messages.hpp"
#include "renderer/base/error.hpp"

#include <chrono>
#include <compare>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace raymill::farm {

/// A lease as a key.
struct LeaseKey {
    std::uint64_t job = 0;
    std::uint32_t frame = 0, tile = 0, fence = 0;
    explicit LeaseKey(const wire::LeaseRef& lease) : job(lease.job()), frame(lease.frame()), tile(lease.tile()), fence(lease.fence()) {}
    void write(wire::LeaseRef& out) const;
    [[nodiscard]] std::string text() const; ///< a folder's name
    friend auto operator<=>(const LeaseKey&, const LeaseKey&) = default;
};

class Results {
  public:
    using Clock = std::chrono::steady_clock;
    using Send = std::function<bool(const wire::FromWorkerData&)>; ///< false: not now

    /// Reads what is in `folder` from before; what was half-kept is removed.
    static Result<Results> open(const std::filesystem::path& folder);

    /// Takes the files (already synced) from where they lie. Durable when it returns.
    Status keep(const LeaseKey& lease, const std::vector<std::filesystem::path>& files, const wire::Offer& offer);
    void drop(const LeaseKey& lease);
    [[nodiscard]] bool has(const LeaseKey& lease) const { return held_.contains(lease); }
    [[nodiscard]] std::vector<LeaseKey> leases() const;

    /// A grant of an offer that a newer one replaced is not heard.
    void on_grant(const wire::Grant& grant);
    /// True when the result is settled (and gone from the disk); false: it will be offered again.
    bool on_verdict(const wire::Verdict& verdict);
    /// Offers and sends what may be sent; offers again what nothing moved for 20 s.
    void pump(const Send& send);
    void restart(); ///< the connection is new: all is offered again
    [[nodiscard]] bool blocked() const { return blocked_; }

  private:
    struct Held {
        wire::Offer offer;
        std::uint64_t number = 0; ///< of the offer that runs
        bool offered = false, granted = false;
        bool whole = false; ///< small enough to go with its offer
        int file = 0;
        std::uint64_t offset = 0;
        std::uint32_t credit = 0;
        Clock::time_point moved, not_before;
    };
    explicit Results(std::filesystem::path folder);
    bool add_files(const LeaseKey& lease, wire::Offer& offer) const; ///< false where one cannot be read
    bool send_parts(const LeaseKey& lease, Held& held, const Send& send);
    std::filesystem::path folder_;
    std::map<LeaseKey, Held> held_;
    std::uint64_t last_number_; ///< begins at random, so that an earlier process's numbers do not come again
    bool blocked_ = false;
};

} // namespace raymill::farm
