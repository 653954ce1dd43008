#pragma once
/// The supervisor's one thread: talks to the coordinator, fetches scenes, feeds render processes, keeps results until they are
/// acknowledged. It holds no pixels and no Vulkan: whatever a render process does costs one lease.
#include "farm/protocol/address.hpp"
#include "farm/protocol/rendezvous.hpp"
#include "farm/protocol/socket.hpp"
#include "farm/worker/cache.hpp"
#include "farm/worker/fetcher.hpp"
#include "farm/worker/render_child.hpp"
#include "farm/worker/results.hpp"
#include "farm/worker/worker.hpp"
#include "renderer/base/settings.hpp"

#include <chrono>
#include <list>
#include <optional>
#include <set>

namespace raymill::farm {

class Supervisor {
  public:
    using Clock = std::chrono::steady_clock;

    /// `door`: the server's key and a pair that it accepts.
    static Result<std::unique_ptr<Supervisor>> make(const WorkerOptions& options, const std::filesystem::path& data, const Address& address,
                                                    const std::string& name);
    ~Supervisor();

    /// Works until `stop` (an eventfd) can be read.
    Status run(int stop);

  private:
    /// A lease on its way to being rendered.
    struct Task {
        wire::Assign assign;
        LeaseKey lease;
        Settings settings;
        enum class Stage { manifest, blobs, chunk_list, ready, running } stage = Stage::manifest;
        Manifest manifest;
        std::set<std::string> missing;            ///< blobs to be fetched
        std::vector<std::string> chunks;          ///< of a finish: hashes in tile order
        Clock::time_point asked;                  ///< for the chunk list
        std::optional<Clock::time_point> revoked; ///< nobody wants it any more, but it runs
        std::vector<std::filesystem::path> outputs;
        [[nodiscard]] bool finish() const { return lease.tile == wire::finish_tile; }
        explicit Task(const wire::Assign& a) : assign(a), lease(a.lease()) {}
    };
    /// A render process with what it was started for. One traces tiles, one finishes frames, so that neither waits for the other.
    struct Seat {
        bool finisher = false;
        std::unique_ptr<RenderChild> child;
        std::string key; ///< scene and settings
        std::string scene;
        std::optional<LeaseKey> running;
        std::string device;
        std::vector<std::string> notes; ///< to go with the next result
        unsigned crashes = 0;           ///< in a row
        Clock::time_point not_before;
    };

    Supervisor(const WorkerOptions& options, std::filesystem::path data, Address address, std::string name, Cache cache);

    // supervisor.cpp: the conversation
    bool connect();
    bool hello(); ///< false: it could not be sent
    void heartbeat();
    void add_results(google::protobuf::RepeatedPtrField<wire::HeldLease>& leases) const;
    void on_control(const std::string& body);
    void on_welcome(const wire::Welcome& welcome);
    void on_data(const std::string& body);
    bool send_control(const wire::FromWorker& message);
    bool send_data(const wire::FromWorkerData& message);
    void fail_task(const LeaseKey& lease, wire::TaskFailed::Kind kind, const std::string& code, const std::string& message);
    void say(const std::string& words) const;

    // tasks.cpp: from a lease to a result
    void on_assign(const wire::Assign& assign);
    void drop_task(const LeaseKey& lease);
    void advance(Task& task);
    void advance_all();
    void on_fetched(const std::string& sha256, const Status& outcome);
    void on_chunk_list(const wire::ChunkList& list);
    Task* find(const LeaseKey& lease);
    void feed(Seat& seat);
    Status start_task(Seat& seat, Task& task);
    void listen(Seat& seat);
    void on_done(Seat& seat, const wire::TaskDone& done);
    void lose(Seat& seat, const std::string& why);
    void watch();
    void trim();

    WorkerOptions options_;
    std::filesystem::path data_;
    Address address_;
    std::string name_, boot_;
    Messaging messaging_;
    std::optional<WorkerDoor> door_;
    std::optional<Dealer> control_, data_socket_;
    std::uint32_t data_port_ = 0;
    bool welcome_ = false, told_waiting_ = false;
    std::chrono::milliseconds heartbeat_every_{2000};
    Clock::time_point next_hello_, next_heartbeat_, next_watch_, started_ = Clock::now();
    Cache cache_;
    Fetcher fetcher_;
    std::optional<Results> results_; ///< of the server we are connected to
    std::list<Task> tasks_;          ///< in the order they came
    Seat tracer_, finisher_;
};

} // namespace raymill::farm
