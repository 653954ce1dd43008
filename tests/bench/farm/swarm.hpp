#pragma once
/// Imagined workers for measuring: real connections over CURVE, the real protocol, no rendering and no disk. Each tile's chunk and preview
/// are its own bytes, so that nothing is spared by the store having them already. One thread; all clocks are the steady one, in seconds.
#include "farm/protocol/messages.hpp"
#include "farm/protocol/sha256.hpp"
#include "farm/protocol/socket.hpp"

#include <deque>
#include <functional>
#include <map>
#include <queue>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace raymill::farm::bench {

double now_s();

struct SwarmOptions {
    std::uint16_t port = 0; ///< of the workers' door on loopback
    std::string server_key, name = "swarm";
    KeyPair keys;
    unsigned workers = 1, slots = 1;
    double tile_s = 0, tile_spread_s = 0; ///< a tile takes tile_s +- tile_spread_s, uniformly
    std::size_t chunk_bytes = 1024, preview_bytes = 512;
    bool whole = true;     ///< results go with their offers; else in parts
    bool data_door = true; ///< also the data connection
};

class Swarm {
  public:
    explicit Swarm(const SwarmOptions& options);
    ~Swarm();
    Swarm(const Swarm&) = delete;
    Swarm& operator=(const Swarm&) = delete;

    /// Works for `seconds`, or until `over` says so.
    void run(double seconds, const std::function<bool()>& over = {});
    /// No sign of life from these workers any more.
    void silence(unsigned first, unsigned count);
    /// Forgets what was counted, not what is held.
    void reset_counts();

    // What happened since the last reset_counts().
    std::uint64_t assigned = 0, accepted = 0, not_needed = 0, busy = 0, welcomes = 0, refused = 0;
    std::uint64_t accepted_bytes = 0;
    std::vector<double> hand_outs; ///< from "rendered" to the next assign, of workers that had nothing else, seconds
    std::string faults;            ///< what should not happen

    [[nodiscard]] unsigned welcome_count() const;
    [[nodiscard]] std::size_t held(unsigned first, unsigned count) const; ///< leases that these workers hold
    std::set<std::pair<std::uint32_t, std::uint32_t>> tiles_seen;         ///< (frame, tile) ever assigned, where `note_tiles`
    bool note_tiles = false;

  private:
    struct Lease {
        wire::LeaseRef lease;
        std::uint64_t serial = 0; ///< of its bytes
        std::uint64_t number = 0; ///< of its latest offer
        bool rendered = false;
        int file = 0;
        std::uint64_t offset = 0;
        std::uint32_t credit = 0;
        std::uint64_t sizes[2] = {0, 0};
    };
    using Key = std::tuple<std::uint64_t, std::uint32_t, std::uint32_t, std::uint32_t>;
    struct Worker {
        std::string name;
        std::optional<Dealer> control, data;
        bool welcome = false, silent = false;
        double next_beat = 0, free_since = 0;
        std::map<Key, Lease> leases;
        unsigned offered = 0;                          ///< leases that are rendered and wait for their verdict
        std::deque<Key> finished;                      ///< tiles that wait for others' verdicts before they are said to be rendered
        std::deque<std::string> control_out, data_out; ///< what did not go out yet
    };
    static Key key(const wire::LeaseRef& lease);
    void watch(unsigned index, bool data);
    void pump(unsigned index);
    void hello(Worker& worker);
    void beat(Worker& worker);
    void send(Worker& worker, const wire::FromWorker& message);
    void send(Worker& worker, const wire::FromWorkerData& message);
    static bool flush(std::optional<Dealer>& dealer, std::deque<std::string>& out);
    void on_control(unsigned index, const wire::ToWorker& message);
    void on_data(unsigned index, const wire::ToWorkerData& message);
    void finish(unsigned index, const Key& lease);
    void offer(unsigned index, Lease& lease);
    void drop(unsigned index, const Key& lease);
    [[nodiscard]] unsigned most_offers() const; ///< of one worker at a time, as a real one has it
    void send_parts(Worker& worker, Lease& lease);
    [[nodiscard]] std::string bytes_of(std::uint64_t serial, int file, std::size_t size, std::size_t offset = 0) const;
    [[nodiscard]] std::string hash_of(std::uint64_t serial, int file, std::size_t size);

    SwarmOptions options_;
    Messaging messaging_;
    std::vector<Worker> workers_;
    int epoll_ = -1;
    std::string filler_;
    std::uint64_t next_serial_ = 1, next_number_ = 1;
    std::map<std::tuple<std::uint64_t, int>, std::string> hashes_; ///< made beforehand, of large chunks
    std::mt19937_64 random_{7};
    std::priority_queue<std::tuple<double, unsigned, Key>, std::vector<std::tuple<double, unsigned, Key>>, std::greater<>> due_;
    std::priority_queue<std::pair<double, unsigned>, std::vector<std::pair<double, unsigned>>, std::greater<>> beats_;

  public:
    /// Hashes of the next `count` chunks, so that hashing them is not measured.
    void prepare_hashes(std::uint64_t count);
};

} // namespace raymill::farm::bench
