#pragma once
/// A worker's connection by hand: ZMTP 3.1 (ZeroMQ RFC 37) with CURVE (RFC 26), for what libzmq itself would never send.
#include "farm/protocol/keys.hpp"
#include "tests/security/raw_socket.hpp"

#include <array>
#include <cstring>
#include <sodium.h>
#include <zmq.h>

namespace raymill::farm {

class CurvePeer {
  public:
    CurvePeer(unsigned port, const std::string& server_key, const KeyPair& keys, const char* from) : socket_(port, from) {
        REQUIRE(sodium_init() >= 0);
        Key server, own, own_secret, brief, brief_secret;
        for (const auto& [text, key] : {std::pair(&server_key, &server), {&keys.public_key, &own}, {&keys.secret_key, &own_secret}})
            REQUIRE(zmq_z85_decode(key->data(), text->c_str()) != nullptr);
        crypto_box_keypair(brief.data(), brief_secret.data());
        brief_secret_ = brief_secret;
        std::string greeting("\xff\0\0\0\0\0\0\0\0\x7f\3\1", 12);
        greeting += "CURVE" + std::string(15, '\0') + std::string(32, '\0');
        socket_.send(greeting);
        if (take(64).size() != 64) return;
        command("\5HELLO" + std::string("\1\0", 2) + std::string(72, '\0') + text(brief) + number(1) +
                box(std::string(64, '\0'), "CurveZMQHELLO---" + number(1), server, brief_secret));
        const auto welcome = take(2 + 168); // 7 WELCOME, a nonce of 16, a box of 144
        if (welcome.size() != 170) return;
        const auto nonce = "WELCOME-" + welcome.substr(10, 16), sealed = welcome.substr(26);
        std::string opened(128, '\0');
        if (crypto_box_open_easy(bytes(opened), bytes(sealed), sealed.size(), bytes(nonce), server.data(), brief_secret.data()) != 0)
            return;
        std::memcpy(session_.data(), opened.data(), 32);
        const std::string vouch_nonce(16, 'v');
        const auto vouch = box(text(brief) + text(server), "VOUCH---" + vouch_nonce, session_, own_secret);
        const auto metadata = std::string("\x0bSocket-Type\0\0\0\6DEALER", 22) + std::string("\x08Identity\0\0\0\0", 13);
        command("\x08INITIATE" + opened.substr(32) + number(2) +
                box(text(own) + vouch_nonce + vouch + metadata, "CurveZMQINITIATE" + number(2), session_, brief_secret));
        ready_ = take(8).substr(2) == "\5READY";
        socket_.receive(100);
    }
    [[nodiscard]] bool ready() const { return ready_; }
    /// One part of a message; false once the connection is gone.
    bool part(const std::string& body, bool more) {
        const auto nonce = number(++sent_ + 2);
        const auto sealed = "\7MESSAGE" + nonce + box((more ? '\1' : '\0') + body, "CurveZMQMESSAGEC" + nonce, session_, brief_secret_);
        return socket_.send('\2' + number(sealed.size()) + sealed);
    }

  private:
    using Key = std::array<std::uint8_t, 32>;
    static std::uint8_t* bytes(std::string& text) { return reinterpret_cast<std::uint8_t*>(text.data()); }
    static const std::uint8_t* bytes(const std::string& text) { return reinterpret_cast<const std::uint8_t*>(text.data()); }
    static std::string text(const Key& key) { return {reinterpret_cast<const char*>(key.data()), key.size()}; }
    static std::string number(std::uint64_t value) { // eight bytes, the highest first
        std::string out(8, '\0');
        for (std::size_t i = 0; i < 8; ++i) out[7 - i] = static_cast<char>((value >> (8 * i)) & 0xff);
        return out;
    }
    static std::string box(const std::string& plain, const std::string& nonce, const Key& to, const Key& from) {
        REQUIRE(nonce.size() == crypto_box_NONCEBYTES);
        std::string sealed(plain.size() + crypto_box_MACBYTES, '\0');
        REQUIRE(crypto_box_easy(bytes(sealed), bytes(plain), plain.size(), bytes(nonce), to.data(), from.data()) == 0);
        return sealed;
    }
    void command(const std::string& body) {
        socket_.send(body.size() < 256 ? std::string{'\4', static_cast<char>(body.size())} + body : '\6' + number(body.size()) + body);
    }
    std::string take(std::size_t size) {
        while (buffer_.size() < size) {
            const auto more = socket_.receive(5000, 1);
            if (more.empty()) return {};
            buffer_ += more;
        }
        auto out = buffer_.substr(0, size);
        buffer_.erase(0, size);
        return out;
    }
    RawSocket socket_;
    Key session_{}, brief_secret_{};
    std::uint64_t sent_ = 0;
    bool ready_ = false;
    std::string buffer_;
};

} // namespace raymill::farm
