#include "farm/coordinator/gate_connection.hpp"

#include "farm/coordinator/tls.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <climits>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace raymill::farm {

GateConnection::GateConnection(int fd, const TlsContext* tls) : fd_(fd) {
    ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
    ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    const int yes = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes); // head and body of an answer are two writes
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0) {
        char text[INET6_ADDRSTRLEN] = {};
        if (address.ss_family == AF_INET) {
            const auto& four = reinterpret_cast<const sockaddr_in&>(address);
            ::inet_ntop(AF_INET, &four.sin_addr, text, sizeof text);
            port_ = ntohs(four.sin_port);
        } else if (address.ss_family == AF_INET6) {
            const auto& six = reinterpret_cast<const sockaddr_in6&>(address);
            ::inet_ntop(AF_INET6, &six.sin6_addr, text, sizeof text);
            port_ = ntohs(six.sin6_port);
        }
        ip_ = text;
        if (ip_.starts_with("::ffff:")) ip_.erase(0, 7);
    }
    if (tls != nullptr) {
        auto* ssl = SSL_new(static_cast<SSL_CTX*>(tls->raw()));
        ssl_ = ssl;
        if (ssl != nullptr) {
            SSL_set_fd(ssl, fd);
            SSL_set_accept_state(ssl);
        }
    }
    shaken_ = tls == nullptr;
}

GateConnection::~GateConnection() {
    SSL_free(static_cast<SSL*>(ssl_));
    ::close(fd_);
}

GateConnection::Moved GateConnection::outcome(int result) {
    const int error = SSL_get_error(static_cast<SSL*>(ssl_), result);
    ERR_clear_error(); // the queue is the thread's, which serves other connections next
    return error == SSL_ERROR_WANT_READ ? Moved::wants_read : error == SSL_ERROR_WANT_WRITE ? Moved::wants_write : Moved::closed;
}

GateConnection::Moved GateConnection::shake() {
    if (shaken_) return Moved::yes;
    if (ssl_ == nullptr) return Moved::closed;
    const int result = SSL_accept(static_cast<SSL*>(ssl_));
    if (result != 1) return outcome(result);
    shaken_ = true;
    return Moved::yes;
}

GateConnection::Moved GateConnection::read(char* into, std::size_t size, std::size_t& got) {
    got = 0;
    if (ssl_ != nullptr) {
        const int result = SSL_read(static_cast<SSL*>(ssl_), into, static_cast<int>(std::min<std::size_t>(size, INT_MAX)));
        if (result <= 0) return outcome(result);
        got = static_cast<std::size_t>(result);
        return Moved::yes;
    }
    for (;;) {
        const auto result = ::recv(fd_, into, size, 0);
        if (result < 0 && errno == EINTR) continue;
        if (result < 0) return errno == EAGAIN || errno == EWOULDBLOCK ? Moved::wants_read : Moved::closed;
        got = static_cast<std::size_t>(result);
        return got > 0 ? Moved::yes : Moved::closed;
    }
}

GateConnection::Moved GateConnection::write(std::string_view bytes, std::size_t& sent) {
    sent = 0;
    if (bytes.empty()) return Moved::yes;
    if (ssl_ != nullptr) {
        const int result = SSL_write(static_cast<SSL*>(ssl_), bytes.data(), static_cast<int>(std::min<std::size_t>(bytes.size(), INT_MAX)));
        if (result <= 0) return outcome(result);
        sent = static_cast<std::size_t>(result);
        return Moved::yes;
    }
    for (;;) {
        const auto result = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (result < 0 && errno == EINTR) continue;
        if (result < 0) return errno == EAGAIN || errno == EWOULDBLOCK ? Moved::wants_write : Moved::closed;
        sent = static_cast<std::size_t>(result);
        return Moved::yes;
    }
}

void GateConnection::finish_writing() {
    if (ssl_ != nullptr && shaken_) {
        SSL_shutdown(static_cast<SSL*>(ssl_));
        ERR_clear_error();
    }
    ::shutdown(fd_, SHUT_WR);
}

} // namespace raymill::farm
