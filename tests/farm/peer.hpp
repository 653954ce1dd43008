#pragma once
/// A hand-made peer of the workers' sockets.
#include "farm/protocol/keys.hpp"
#include "farm/protocol/messages.hpp"

#include <doctest/doctest.h>
#include <optional>
#include <string>
#include <zmq.h>

namespace raymill::farm {

/// A DEALER as anybody could write one.
class Peer {
  public:
    Peer(unsigned port, const std::string& server_key, const KeyPair& keys)
        : context_(zmq_ctx_new()), socket_(zmq_socket(context_, ZMQ_DEALER)) {
        // A peer that was turned away may have no connection left to write to: then what it says is lost, which is all that is asked of it.
        const int linger = 0, wait = 10000, send_wait = 2000;
        zmq_setsockopt(socket_, ZMQ_SNDTIMEO, &send_wait, sizeof send_wait);
        zmq_setsockopt(socket_, ZMQ_LINGER, &linger, sizeof linger);
        zmq_setsockopt(socket_, ZMQ_RCVTIMEO, &wait, sizeof wait);
        if (!server_key.empty()) {
            zmq_setsockopt(socket_, ZMQ_CURVE_SERVERKEY, server_key.data(), server_key.size());
            zmq_setsockopt(socket_, ZMQ_CURVE_PUBLICKEY, keys.public_key.data(), keys.public_key.size());
            zmq_setsockopt(socket_, ZMQ_CURVE_SECRETKEY, keys.secret_key.data(), keys.secret_key.size());
        }
        REQUIRE(zmq_connect(socket_, ("tcp://127.0.0.1:" + std::to_string(port)).c_str()) == 0);
    }
    ~Peer() {
        zmq_close(socket_);
        zmq_ctx_term(context_);
    }
    Peer(const Peer&) = delete;
    Peer& operator=(const Peer&) = delete;
    void send(const std::string& body, bool more = false) { zmq_send(socket_, body.data(), body.size(), more ? ZMQ_SNDMORE : 0); }
    void send(const wire::FromWorker& message) { send(message.SerializeAsString()); }
    void send(const wire::FromWorkerData& message) { send(message.SerializeAsString()); }
    /// Nothing comes for a while. (On a slow machine an answer may come later still: then this notices no fault, but never sees one that is
    /// not.)
    bool hears_nothing() {
        zmq_pollitem_t item{socket_, 0, ZMQ_POLLIN, 0};
        return zmq_poll(&item, 1, 700) == 0;
    }
    /// The next message, none within 10 s.
    template<class Message> std::optional<Message> receive() {
        std::string body(2 << 20, '\0');
        const int size = zmq_recv(socket_, body.data(), body.size(), 0);
        Message message;
        if (size < 0 || !message.ParseFromArray(body.data(), size)) return {};
        return message;
    }

  private:
    void* context_;
    void* socket_;
};

inline wire::FromWorker hello(const std::string& name, std::uint32_t protocol = protocol_version) {
    wire::FromWorker message;
    message.mutable_hello()->set_protocol(protocol);
    message.mutable_hello()->set_worker(name);
    message.mutable_hello()->set_boot("boot");
    message.mutable_hello()->set_slots(2);
    return message;
}

} // namespace raymill::farm
