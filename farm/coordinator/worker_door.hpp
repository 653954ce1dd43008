#pragma once
/// The workers' side of the coordinator: a control and a data socket, who is behind which connection, and what could not be sent yet.
/// Nothing here decides about work. Belongs to the shell's thread.
#include "farm/protocol/messages.hpp"
#include "farm/protocol/socket.hpp"

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

namespace raymill::farm {

/// One socket's connections. A peer that sends what no worker of ours sends, or does not take what it is sent, is dropped: nothing of it is
/// heard and nothing is sent to it until it introduces itself on a new connection.
class PeerBook {
  public:
    /// `good`: whether a key may still speak, asked of every message; `blocked` is told whom block() cut off and why. Both may be empty.
    explicit PeerBook(Router router, std::function<bool(const std::string& key)> good = {},
                      std::function<void(const std::string& key, const std::string& why)> blocked = {})
        : router_(std::move(router)), good_(std::move(good)), on_block_(std::move(blocked)) {}
    [[nodiscard]] void* raw() const { return router_.raw(); }
    [[nodiscard]] std::uint16_t port() const { return router_.port(); }

    /// The next message; malformed ones and those of blocked peers are swallowed.
    std::optional<Router::Message> receive();
    /// To a connection. Queues what does not fit; past the bounds of the queue the peer is dropped.
    void send(const std::string& peer, const std::string& body);
    /// To whoever introduced itself as that worker; false where nobody did.
    bool send_to(const std::string& worker, const std::string& body);
    void flush(); ///< tries again what is queued
    [[nodiscard]] bool pending() const { return !outboxes_.empty(); }

    /// Binds the connection to a worker's name. The older connection of that name, if any, is forgotten.
    void introduce(const std::string& peer, const std::string& worker);
    [[nodiscard]] const std::string* worker_of(const std::string& peer) const; ///< none before introduce()
    /// Never hear it again. `why` stands in the audit log with the key of the last message that was received.
    void block(const std::string& peer, const std::string& why = "it said what no worker says");
    void forget(const std::string& peer);

  private:
    struct Outbox {
        std::deque<std::string> messages;
        std::size_t bytes = 0;
    };
    Router router_;
    std::function<bool(const std::string&)> good_;
    std::function<void(const std::string&, const std::string&)> on_block_;
    std::string last_key_;
    std::map<std::string, std::string> workers_; ///< peer -> worker
    std::map<std::string, std::string> peers_;   ///< worker -> peer
    std::map<std::string, Outbox> outboxes_;
    std::set<std::string> blocked_;
};

/// Which CURVE key a worker's name belongs to: the first that used it. Names are the worker's own claim; the key is what it proved.
class NameBook {
  public:
    /// Whether `key` may use `name`; it may if nobody else has it. The list is bounded: the oldest names go first.
    bool claim(const std::string& name, const std::string& key);
    [[nodiscard]] bool owns(const std::string& name, const std::string& key) const;

  private:
    std::map<std::string, std::string> keys_;
    std::deque<std::string> order_;
};

} // namespace raymill::farm
