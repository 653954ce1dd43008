#include "farm/protocol/socket.hpp"

#include "farm/protocol/limits.hpp"
#include "renderer/base/check.hpp"

#include <array>
#include <atomic>
#include <malloc.h>
#include <utility>
#include <vector>
#include <zmq.h>

namespace raymill::farm {
namespace {

constexpr const char* zap_address = "inproc://zeromq.zap.01";
constexpr const char* zap_domain = "raymill";

void set(void* socket, int option, int value) { CHECK_SAME(zmq_setsockopt(socket, option, &value, sizeof value), 0); }
void set(void* socket, int option, std::string_view value) { CHECK_SAME(zmq_setsockopt(socket, option, value.data(), value.size()), 0); }

/// What both ends share.
void set_common(void* socket) {
    set(socket, ZMQ_LINGER, 0);
    set(socket, ZMQ_IPV6, 1);
    set(socket, ZMQ_RCVHWM, 1000);
    set(socket, ZMQ_SNDHWM, 1000);
    set(socket, ZMQ_HEARTBEAT_IVL, 3000);
    set(socket, ZMQ_HEARTBEAT_TIMEOUT, 10000);
    // On the wire a CURVE message is 33 bytes longer: its name (8), a nonce (8), a MAC (16) and flags (1) (ZeroMQ RFC 26).
    const std::int64_t most = static_cast<std::int64_t>(limits::message_bytes) + 33;
    CHECK_SAME(zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &most, sizeof most), 0);
}

struct Frame {
    zmq_msg_t message;
    Frame() { zmq_msg_init(&message); }
    ~Frame() { zmq_msg_close(&message); }
    Frame(const Frame&) = delete;
    Frame& operator=(const Frame&) = delete;
    bool receive(void* socket, int flags) { return zmq_msg_recv(&message, socket, flags) >= 0; }
    [[nodiscard]] std::string text() { return {static_cast<const char*>(zmq_msg_data(&message)), zmq_msg_size(&message)}; }
    [[nodiscard]] bool more() const { return zmq_msg_more(&message) != 0; }
};

std::atomic<std::uint64_t> delivered_bytes = 0;

/// An IPv4 address as it is written, where a socket for both kinds gives it as one of IPv6.
std::string four(const std::string& address) { return address.starts_with("::ffff:") ? address.substr(7) : address; }

std::string zmq_error() { return zmq_strerror(zmq_errno()); }

} // namespace

Status check_messaging() {
    int major = 0, minor = 0, patch = 0;
    zmq_version(&major, &minor, &patch);
    // Before 4.3.3 a CURVE server could be stalled by a raw connection (CVE-2020-15166), before 4.3.2 overrun (CVE-2019-13132).
    if (std::array{major, minor, patch} < std::array{4, 3, 4})
        return fail(Code::unsupported, "libzmq",
                    "version 4.3.4 or later is needed, this is " + std::to_string(major) + "." + std::to_string(minor) + "." +
                        std::to_string(patch));
    if (zmq_has("curve") != 1) return fail(Code::unsupported, "libzmq", "it was built without CURVE encryption; install one that has it");
    return {};
}

Messaging::Messaging(int sockets, int threads) : context_(zmq_ctx_new()) {
    // Parts of half a MiB come and go by the hundred a second: from the heap, not each from fresh pages of the system's.
    ::mallopt(M_MMAP_THRESHOLD, 16 << 20);
    ::mallopt(M_TRIM_THRESHOLD, 64 << 20);
    CHECK_TRUE(context_ != nullptr);
    CHECK_SAME(zmq_ctx_set(context_, ZMQ_MAX_SOCKETS, sockets), 0);
    CHECK_SAME(zmq_ctx_set(context_, ZMQ_IO_THREADS, threads), 0);
}
Messaging::~Messaging() { zmq_ctx_term(context_); }

DoorKeeper::DoorKeeper(Messaging& messaging, Accepts accepts) : messaging_(messaging), accepts_(std::move(accepts)) {
    const auto address = "inproc://door-keeper-" + std::to_string(reinterpret_cast<std::uintptr_t>(this));
    stop_ = zmq_socket(messaging.raw(), ZMQ_PAIR);
    CHECK_SAME(zmq_bind(stop_, address.c_str()), 0);
    void* questions = zmq_socket(messaging.raw(), ZMQ_REP);
    set(questions, ZMQ_LINGER, 0);
    CHECK_SAME(zmq_bind(questions, zap_address), 0);
    thread_ = std::thread([this, questions, address] {
        void* stop = zmq_socket(messaging_.raw(), ZMQ_PAIR);
        CHECK_SAME(zmq_connect(stop, address.c_str()), 0);
        std::array<zmq_pollitem_t, 2> items{{{questions, 0, ZMQ_POLLIN, 0}, {stop, 0, ZMQ_POLLIN, 0}}};
        for (;;) {
            if (zmq_poll(items.data(), 2, -1) < 0) continue;
            if (items[1].revents != 0) break;
            if (items[0].revents == 0) continue;
            // version, request id, domain, address, routing id, mechanism, credentials...
            std::vector<std::string> parts;
            bool more = true;
            while (more) {
                Frame frame;
                if (!frame.receive(questions, 0)) break;
                if (parts.size() < 16) parts.push_back(frame.text());
                more = frame.more();
            }
            std::string key;
            if (parts.size() == 7 && parts[0] == "1.0" && parts[2] == zap_domain && parts[5] == "CURVE" && parts[6].size() == 32) {
                char text[41];
                zmq_z85_encode(text, reinterpret_cast<const std::uint8_t*>(parts[6].data()), 32);
                key = text;
            }
            const bool welcome = !key.empty() && accepts_(key, four(parts[3]));
            const std::string answer[] = {"1.0",
                                          parts.size() > 1 ? parts[1] : "",
                                          welcome ? "200" : "400",
                                          welcome ? "OK" : "this key is not known here",
                                          welcome ? key : "",
                                          ""};
            for (std::size_t i = 0; i < std::size(answer); ++i)
                zmq_send(questions, answer[i].data(), answer[i].size(), i + 1 < std::size(answer) ? ZMQ_SNDMORE : 0);
        }
        zmq_close(stop);
        zmq_close(questions);
    });
}

DoorKeeper::~DoorKeeper() {
    zmq_send(stop_, "", 0, 0);
    thread_.join();
    zmq_close(stop_);
}

Result<Router> Router::bind(Messaging& messaging, const Address& address, const KeyPair& keys) {
    void* socket = zmq_socket(messaging.raw(), ZMQ_ROUTER);
    CHECK_TRUE(socket != nullptr);
    set_common(socket);
    set(socket, ZMQ_ROUTER_MANDATORY, 1);
    set(socket, ZMQ_BACKLOG, 4096);
    // A silent connection is cut off after this. When thousands come at once (a coordinator that was started anew) their handshakes take
    // turns, two or three ms each: with 2 s most were cut off in the middle, came again, and were cut off again.
    set(socket, ZMQ_HANDSHAKE_IVL, 20000);
    set(socket, ZMQ_CURVE_SERVER, 1);
    set(socket, ZMQ_CURVE_SECRETKEY, keys.secret_key);
    set(socket, ZMQ_ZAP_DOMAIN, zap_domain);
    auto place = "tcp://" + address.text();
    if (address.port == 0) place.back() = '*'; // text() ends with ":0"
    if (zmq_bind(socket, place.c_str()) != 0) {
        const auto why = zmq_error();
        zmq_close(socket);
        return fail(Code::refused, "tcp://" + address.text(), "cannot listen there: " + why);
    }
    char bound[256];
    std::size_t size = sizeof bound;
    CHECK_SAME(zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, bound, &size), 0);
    const auto actual = parse_address(bound, 0);
    CHECK_TRUE(actual.has_value());
    return Router(socket, actual->port);
}

Router::Router(Router&& other) noexcept : socket_(std::exchange(other.socket_, nullptr)), port_(other.port_) {}
Router::~Router() {
    if (socket_ != nullptr) zmq_close(socket_);
}

std::uint64_t Router::delivered() { return delivered_bytes; }

std::optional<Router::Message> Router::receive() {
    Message message;
    Frame peer;
    if (!peer.receive(socket_, ZMQ_DONTWAIT)) return {};
    message.peer = peer.text();
    std::size_t parts = 0;
    for (bool more = peer.more(); more;) {
        Frame part;
        if (!part.receive(socket_, ZMQ_DONTWAIT)) break;
        delivered_bytes += zmq_msg_size(&part.message);
        if (++parts == 1) {
            message.body = part.text();
            const char* user = zmq_msg_gets(&part.message, "User-Id");
            message.key = user != nullptr ? user : "";
        }
        more = part.more();
    }
    if (parts != 1) {
        message.malformed = true;
        message.body.clear();
    }
    return message;
}

Router::Sent Router::send(const std::string& peer, std::string_view body) {
    if (zmq_send(socket_, peer.data(), peer.size(), ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0) return zmq_errno() == EAGAIN ? Sent::full : Sent::gone;
    // The first part chose the peer and its pipe had room, so the second goes the same way.
    return zmq_send(socket_, body.data(), body.size(), ZMQ_DONTWAIT) < 0 ? Sent::gone : Sent::yes;
}

Result<Dealer> Dealer::connect(Messaging& messaging, const Address& address, const std::string& server_key, const KeyPair& own) {
    void* socket = zmq_socket(messaging.raw(), ZMQ_DEALER);
    CHECK_TRUE(socket != nullptr);
    set_common(socket);
    set(socket, ZMQ_IMMEDIATE, 1);         // nothing queues for a connection that is not there
    set(socket, ZMQ_HANDSHAKE_IVL, 60000); // a crowd before it: giving up would only make it longer
    set(socket, ZMQ_RECONNECT_IVL, address.loopback() ? 100 : 500);
    set(socket, ZMQ_RECONNECT_IVL_MAX, address.loopback() ? 1000 : 30000);
    set(socket, ZMQ_CURVE_SERVERKEY, server_key);
    set(socket, ZMQ_CURVE_PUBLICKEY, own.public_key);
    set(socket, ZMQ_CURVE_SECRETKEY, own.secret_key);
    if (zmq_connect(socket, ("tcp://" + address.text()).c_str()) != 0) {
        const auto why = zmq_error();
        zmq_close(socket);
        return fail(Code::unreachable, "tcp://" + address.text(), "cannot connect: " + why);
    }
    return Dealer(socket);
}

Dealer::Dealer(Dealer&& other) noexcept : socket_(std::exchange(other.socket_, nullptr)) {}
Dealer& Dealer::operator=(Dealer&& other) noexcept {
    std::swap(socket_, other.socket_);
    return *this;
}
Dealer::~Dealer() {
    if (socket_ != nullptr) zmq_close(socket_);
}

std::optional<std::string> Dealer::receive() {
    Frame frame;
    if (!frame.receive(socket_, ZMQ_DONTWAIT)) return {};
    auto body = frame.text();
    while (frame.more()) // the coordinator never sends more than one part; what else comes is dropped
        if (!frame.receive(socket_, ZMQ_DONTWAIT)) break;
    return body;
}

bool Dealer::send(std::string_view body) { return zmq_send(socket_, body.data(), body.size(), ZMQ_DONTWAIT) >= 0; }

void poll(std::span<PollItem> items, long timeout_ms) {
    std::vector<zmq_pollitem_t> raw;
    raw.reserve(items.size());
    for (const auto& item : items) raw.push_back({item.socket, item.fd, ZMQ_POLLIN, 0});
    const int count = zmq_poll(raw.data(), static_cast<int>(raw.size()), timeout_ms);
    for (std::size_t i = 0; i < items.size(); ++i) items[i].ready = count > 0 && raw[i].revents != 0;
}

} // namespace raymill::farm
