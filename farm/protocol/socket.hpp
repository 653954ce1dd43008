#pragma once
/// The one wrapper of libzmq: encrypted sockets between workers and the coordinator. Facts it takes care of (seen on libzmq 4.3.4, Debian
/// 12): a ROUTER drops silently unless told to be MANDATORY; MAXMSGSIZE is per part, so more parts than one end the peer's welcome; RCVHWM
/// 1 stalls behind the ZAP user id; a routing id is only a claim, the CURVE key that ZAP saw is the identity; a silent client is cut off
/// after HANDSHAKE_IVL, which must outlast a crowd's handshakes. A socket belongs to one thread.
#include "farm/protocol/address.hpp"
#include "farm/protocol/keys.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>

namespace raymill::farm {

/// Refuses a libzmq that is too old or without CURVE.
Status check_messaging();

class Messaging { ///< libzmq's context; outlives its sockets
  public:
    /// `sockets`: how many there may be; `threads`: that encrypt and move bytes.
    explicit Messaging(int sockets = 64, int threads = 1);
    ~Messaging();
    Messaging(const Messaging&) = delete;
    Messaging& operator=(const Messaging&) = delete;
    [[nodiscard]] void* raw() const { return context_; }

  private:
    void* context_;
};

/// Answers libzmq's question whether a CURVE key may come in (ZAP, ZeroMQ RFC 27), on a thread of its own. NULL and PLAIN never get so far:
/// a CURVE server ends their handshake. Has to be there before the first Router binds.
class DoorKeeper {
  public:
    /// `accepts` is called on the keeper's thread with the key in Z85 and the address it comes from.
    using Accepts = std::function<bool(const std::string& key, const std::string& from)>;
    DoorKeeper(Messaging& messaging, Accepts accepts);
    ~DoorKeeper();
    DoorKeeper(const DoorKeeper&) = delete;
    DoorKeeper& operator=(const DoorKeeper&) = delete;

  private:
    void run();
    Messaging& messaging_;
    Accepts accepts_;
    void* stop_ = nullptr;
    std::thread thread_;
};

/// The coordinator's end.
class Router {
  public:
    struct Message {
        std::string peer; ///< libzmq's name of the connection
        std::string key;  ///< the CURVE key it proved, in Z85
        std::string body;
        bool malformed = false; ///< it had another number of parts than one; the body is empty
    };
    enum class Sent { yes, full, gone };

    /// Port 0 takes a free one.
    static Result<Router> bind(Messaging& messaging, const Address& address, const KeyPair& keys);
    Router(Router&& other) noexcept;
    Router& operator=(Router&&) = delete;
    ~Router();
    [[nodiscard]] std::uint16_t port() const { return port_; }
    std::optional<Message> receive();                          ///< never waits
    Sent send(const std::string& peer, std::string_view body); ///< never waits
    [[nodiscard]] void* raw() const { return socket_; }
    /// Bytes of message bodies that came out of all routers of this process so far, malformed ones among them. Any thread.
    [[nodiscard]] static std::uint64_t delivered();

  private:
    Router(void* socket, std::uint16_t port) : socket_(socket), port_(port) {}
    void* socket_;
    std::uint16_t port_;
};

/// A worker's end. Reconnects by itself, with growing pauses and jitter.
class Dealer {
  public:
    static Result<Dealer> connect(Messaging& messaging, const Address& address, const std::string& server_key, const KeyPair& own);
    Dealer(Dealer&& other) noexcept;
    Dealer& operator=(Dealer&& other) noexcept;
    ~Dealer();
    std::optional<std::string> receive(); ///< never waits
    bool send(std::string_view body);     ///< never waits; false while there is no connection or its queue is full
    [[nodiscard]] void* raw() const { return socket_; }

  private:
    explicit Dealer(void* socket) : socket_(socket) {}
    void* socket_;
};

/// A socket or, where `socket` is null, a file descriptor to wait for.
struct PollItem {
    void* socket = nullptr;
    int fd = -1;
    bool ready = false; ///< out: something can be read
};
/// Waits until one is ready or `timeout_ms` are over (-1: for ever). A signal ends the wait early.
void poll(std::span<PollItem> items, long timeout_ms);

} // namespace raymill::farm
