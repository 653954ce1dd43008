#pragma once
/// One TCP connection at the HTTP door, with or without TLS. Never blocks by itself; one thread at a time.
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

namespace raymill::farm {

class TlsContext;

class GateConnection {
  public:
    using Clock = std::chrono::steady_clock;
    enum class Moved { yes, wants_read, wants_write, closed };

    /// Takes the descriptor. `tls` may be null.
    GateConnection(int fd, const TlsContext* tls);
    ~GateConnection();
    GateConnection(const GateConnection&) = delete;
    GateConnection& operator=(const GateConnection&) = delete;

    [[nodiscard]] int fd() const { return fd_; }
    [[nodiscard]] const std::string& ip() const { return ip_; }
    [[nodiscard]] int port() const { return port_; }

    /// The TLS handshake, as far as it goes; `yes` once it is over.
    Moved shake();
    Moved read(char* into, std::size_t size, std::size_t& got);
    Moved write(std::string_view bytes, std::size_t& sent);
    /// No more is written; the other end learns it.
    void finish_writing();

    // The gate's own notes.
    std::string input;            ///< read, and not yet used by a request
    Clock::time_point deadline{}; ///< of what it is waited for
    unsigned served = 0;          ///< requests
    bool draining = false;        ///< answered; what still comes is thrown away until it closes
    std::size_t drained = 0;
    std::string group;      ///< whose request is being served
    std::size_t charge = 0; ///< bytes of its body

  private:
    Moved outcome(int result);
    int fd_;
    void* ssl_ = nullptr;
    bool shaken_ = false;
    std::string ip_;
    int port_ = 0;
};

} // namespace raymill::farm
