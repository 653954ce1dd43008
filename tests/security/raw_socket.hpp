#pragma once
/// A TCP connection as anybody could make one, from any address of loopback; and how much memory a process has.
#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <fstream>
#include <netinet/in.h>
#include <poll.h>
#include <string>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

namespace raymill::farm {

class RawSocket {
  public:
    explicit RawSocket(unsigned port, const char* from = "127.0.0.1") : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        REQUIRE(fd_ >= 0);
        sockaddr_in own{}, server{};
        own.sin_family = server.sin_family = AF_INET;
        server.sin_port = htons(static_cast<std::uint16_t>(port));
        ::inet_pton(AF_INET, from, &own.sin_addr);
        ::inet_pton(AF_INET, "127.0.0.1", &server.sin_addr);
        REQUIRE(::bind(fd_, reinterpret_cast<const sockaddr*>(&own), sizeof own) == 0);
        connected_ = ::connect(fd_, reinterpret_cast<const sockaddr*>(&server), sizeof server) == 0;
    }
    RawSocket(RawSocket&& other) noexcept : fd_(std::exchange(other.fd_, -1)), connected_(other.connected_) {}
    RawSocket& operator=(RawSocket&&) = delete;
    ~RawSocket() {
        if (fd_ >= 0) ::close(fd_);
    }
    /// False once the other end has closed, or does not take it within a second.
    bool send(const std::string& bytes) {
        for (std::size_t done = 0; done < bytes.size();) {
            pollfd item{fd_, POLLOUT, 0};
            if (!connected_ || ::poll(&item, 1, 1000) <= 0) return false;
            const auto sent = ::send(fd_, bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL | MSG_DONTWAIT);
            if (sent <= 0) return connected_ = false;
            done += static_cast<std::size_t>(sent);
        }
        return true;
    }
    /// What comes until the other end closes, `enough` bytes came, or nothing came for `wait_ms`.
    std::string receive(int wait_ms = 20000, std::size_t enough = 1u << 20) {
        std::string text;
        char bytes[4096];
        for (;;) {
            pollfd item{fd_, POLLIN, 0};
            if (text.size() >= enough || ::poll(&item, 1, wait_ms) <= 0) return text;
            const auto got = ::recv(fd_, bytes, sizeof bytes, 0);
            if (got <= 0) {
                closed_ = true;
                return text;
            }
            text.append(bytes, static_cast<std::size_t>(got));
        }
    }
    /// Whether the other end closed within that time. What it says before is thrown away.
    bool closes(int within_ms = 30000) {
        receive(within_ms);
        return closed_;
    }
    int status() { // of one answer
        const auto text = receive(20000, 12);
        return text.starts_with("HTTP/1.1 ") && text.size() >= 12 ? std::stoi(text.substr(9, 3)) : 0;
    }

  private:
    int fd_;
    bool connected_ = false, closed_ = false;
};

/// Resident memory, MiB.
inline std::size_t resident_mb(pid_t pid) {
    std::ifstream in("/proc/" + std::to_string(pid) + "/statm");
    std::size_t total = 0, resident = 0;
    in >> total >> resident;
    return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)) >> 20;
}

inline void allow_many_descriptors() {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

} // namespace raymill::farm
