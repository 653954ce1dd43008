#pragma once
/// farm/simulate: the scheduling core, its gate and its messages with an imagined world round them: workers, links, disks, tenants, a
/// clock, all driven by one seed, one thread and no real time. May include scheduler, ledger, protocol and the two files of coordinator
/// that it shares with the shell (gate, translate). Not installed; called by its main.cpp and by tests. A run is three phases: a storm of
/// faults; healing, in which everything must finish within a bound; and calm, in which equal tenants must get equal shares.
#include "farm/coordinator/gate.hpp"
#include "farm/protocol/messages.hpp"
#include "farm/scheduler/farm.hpp"
#include "farm/simulate/disk.hpp"
#include "farm/simulate/oracle.hpp"
#include "farm/simulate/plan.hpp"
#include "farm/simulate/random.hpp"

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <string>
#include <vector>

namespace raymill::farm::simulate {

struct Outcome {
    std::uint64_t state_hash = 0; ///< of all that became durable or was said, in order: the same for the same seed
    std::uint64_t events = 0, tiles = 0, turned_down = 0, restarts = 0, checks = 0;
    double worst_share_error = 0; ///< of the calm phase, a part of an equal share
    Time simulated = 0;
};

class World {
  public:
    World(const Plan& plan, bool trace);
    /// Aborts with words where a promise is broken.
    Outcome run();
    /// With `trace`: the last things that happened, oldest first. Safe to call while a check is failing.
    void print_trace() const;

  private:
    using Time = scheduler::Time;
    struct Result { ///< on a worker's disk until a verdict comes
        std::string sha256, bytes;
        Time offered = 0;
    };
    struct Worker {
        std::string name, boot;
        std::uint32_t speed = 1;
        bool up = false, gone = false, welcome = false, lies = false, hoards = false;
        std::uint32_t life = 0; ///< grows at each death: what was under way for an earlier one is void
        Time paused_until = 0, deaf_until = 0, mute_until = 0, next_hello = 0;
        std::deque<scheduler::LeaseRef> tasks; ///< the first one is being rendered where `rendering`
        bool rendering = false;
        Time began = 0;
        std::map<scheduler::LeaseRef, Result> results;
    };
    struct Wish { ///< a job that a tenant wants
        std::uint32_t tenant = 0, frames = 1, tiles = 1;
        std::string key;
        bool broken = false, given_up = false;
        scheduler::JobId job = 0; ///< once acknowledged
        std::uint64_t read = 0;   ///< events up to here
    };
    struct Upload {
        std::string sha256;
        scheduler::Output output;
    };
    struct Happening {
        Time at = 0;
        std::uint64_t order = 0;
        std::function<void()> what;
    };
    struct Later {
        bool operator()(const Happening& a, const Happening& b) const { return std::pair(a.at, a.order) > std::pair(b.at, b.order); }
    };

    // world.cpp: time and phases
    void after(Time delay, std::function<void()> what);
    void run_until(Time end, const std::function<bool()>& over);
    void note(const std::function<std::string()>& words);
    void heal();
    void calm();
    [[nodiscard]] double rate(Fault fault) const { return storming_ ? plan_.of(fault) : 0; }

    // world_faults.cpp
    void storm();
    Worker& victim();
    void transmit(const std::function<void()>& arrive, Time deaf_until);

    // world_coordinator.cpp
    void start_coordinator();
    void crash(const char* why);
    void wake_coordinator(Time delay);
    void turn();
    void commit();
    void apply(const scheduler::Event& event);
    void check_core();
    void on_control(std::size_t worker, const std::string& body);
    void on_data(std::size_t worker, const std::string& body);
    void release(const scheduler::Send& send);
    void send_control(std::size_t worker, const wire::ToWorker& message);
    void send_data(const std::string& worker, const wire::ToWorkerData& message);
    void verdict(const std::string& worker, const scheduler::LeaseRef& lease, wire::Verdict::Outcome outcome);
    void stored(const std::string& worker, const scheduler::LeaseRef& lease, const scheduler::Output& output);
    void submit(std::size_t wish, const std::function<void(scheduler::JobId)>& answer);
    [[nodiscard]] Time clock() const { return now_ + clock_offset_; }

    // world_workers.cpp
    std::size_t add_worker(const std::string& name);
    void boot(std::size_t worker);
    void kill(std::size_t worker);
    void beat(std::size_t worker);
    void hello(std::size_t worker);
    void render_next(std::size_t worker);
    void rendered(std::size_t worker);
    void offer(std::size_t worker, const scheduler::LeaseRef& lease);
    void hear_control(std::size_t worker, const std::string& body);
    void hear_data(std::size_t worker, const std::string& body);
    void say(std::size_t worker, const wire::FromWorker& message);
    void say_data(std::size_t worker, const wire::FromWorkerData& message);
    /// Does it when the worker is not paused; never where it died meanwhile.
    void when_awake(std::size_t worker, std::uint32_t life, const std::function<void()>& what);

    // world_tenants.cpp
    void plan_jobs();
    void tenant_wakes();
    void steer();

    Plan plan_;
    bool tracing_;
    Random random_;
    Time now_ = 1'000'000 * scheduler::second, clock_offset_ = 0;
    std::uint64_t order_ = 0;
    std::priority_queue<Happening, std::vector<Happening>, Later> queue_;
    bool storming_ = true;
    std::deque<std::string> trace_;
    Outcome outcome_;

    SimStore store_;
    Oracle oracle_;
    scheduler::Options options_;
    std::map<scheduler::JobId, double> open_tiles_;
    FaultyLedger ledger_;

    // The coordinator: what dies with it stands in Coordinator.
    struct Coordinator {
        scheduler::Farm farm;
        Gate gate;
        std::deque<std::pair<std::size_t, std::string>> control, data;
        std::deque<std::function<void()>> inbox;  ///< from tenants and from the store
        std::map<std::string, std::size_t> peers; ///< who said hello last under a name
        std::map<std::pair<std::string, scheduler::LeaseRef>, Upload> uploads;
        std::map<std::pair<std::string, std::string>, scheduler::JobId> keys;
        bool busy = false;
        Time waking = 0; ///< a turn is planned for then; 0: none
    };
    std::unique_ptr<Coordinator> coordinator_;
    std::uint32_t instance_ = 0; ///< grows at each crash
    scheduler::JobId last_job_ = 0;
    std::map<scheduler::JobId, std::string> tenant_of_; ///< durable jobs
    std::uint64_t unchecked_ = 0;
    double check_cost_ = 0; ///< tasks and workers to be visited by one check

    std::vector<Worker> workers_;
    std::vector<Wish> wishes_;
    std::set<std::string> broken_keys_;
    std::set<scheduler::JobId> broken_jobs_;
    std::map<std::string, Time> shares_; ///< calm phase: rendering time by tenant
    Time calm_from_ = 0, calm_to_ = 0;
};

} // namespace raymill::farm::simulate
