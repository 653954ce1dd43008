#include "farm/coordinator/flood_watch.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <linux/tcp.h>
#include <malloc.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace raymill::farm {
namespace {

std::int64_t steady_ms() {
    using namespace std::chrono;
    return duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
}

std::uint64_t resident() {
    unsigned long total = 0, pages = 0;
    if (std::FILE* in = std::fopen("/proc/self/statm", "re"); in != nullptr) {
        if (std::fscanf(in, "%lu %lu", &total, &pages) != 2) pages = 0;
        std::fclose(in);
    }
    return std::uint64_t{pages} * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::pair<std::string, unsigned> name_of(const sockaddr_storage& address) {
    char text[INET6_ADDRSTRLEN] = {};
    if (address.ss_family == AF_INET) {
        const auto& four = reinterpret_cast<const sockaddr_in&>(address);
        ::inet_ntop(AF_INET, &four.sin_addr, text, sizeof text);
        return {text, ntohs(four.sin_port)};
    }
    if (address.ss_family != AF_INET6) return {};
    const auto& six = reinterpret_cast<const sockaddr_in6&>(address);
    ::inet_ntop(AF_INET6, &six.sin6_addr, text, sizeof text);
    const std::string name = text;
    return {name.starts_with("::ffff:") ? name.substr(7) : name, ntohs(six.sin6_port)};
}

} // namespace

FloodWatch::FloodWatch(std::vector<std::uint16_t> ports, std::function<std::uint64_t()> delivered,
                       std::function<void(const std::string& from)> cut, FloodLimits limits)
    : ports_(std::move(ports)), delivered_(std::move(delivered)), cut_(std::move(cut)), limits_(limits), calm_(resident()) {
    thread_ = std::thread([this] {
        std::unique_lock lock(mutex_);
        while (!wake_.wait_for(lock, std::chrono::milliseconds(50), [this] { return stop_; })) {
            lock.unlock();
            look();
            lock.lock();
        }
    });
}

FloodWatch::~FloodWatch() {
    {
        const std::scoped_lock lock(mutex_);
        stop_ = true;
    }
    wake_.notify_all();
    thread_.join();
}

bool FloodWatch::banned(const std::string& address) {
    const std::scoped_lock lock(mutex_);
    const auto found = bans_.find(address);
    if (found == bans_.end()) return false;
    if (found->second > steady_ms()) return true;
    bans_.erase(found);
    return false;
}

std::vector<FloodWatch::Connection> FloodWatch::connections() const {
    std::vector<Connection> list;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", error)) {
        const int fd = std::atoi(entry.path().filename().c_str());
        sockaddr_storage own{}, peer{};
        socklen_t own_size = sizeof own, peer_size = sizeof peer;
        if (::getsockname(fd, reinterpret_cast<sockaddr*>(&own), &own_size) != 0 ||
            ::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &peer_size) != 0)
            continue;
        if (std::ranges::find(ports_, name_of(own).second) == ports_.end()) continue;
        tcp_info info{};
        socklen_t size = sizeof info;
        if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) continue;
        const auto [address, port] = name_of(peer);
        list.push_back({address, port, info.tcpi_bytes_received, fd});
    }
    return list;
}

void FloodWatch::look() {
    const auto now = resident();
    still_ = now <= last_ + (1u << 20) ? still_ + 1 : 0;
    last_ = now;
    if (still_ >= 20 || now < calm_) { // a second without growth
        calm_ = now;
        received_.clear();
        return;
    }
    if (now < calm_ + limits_.look_bytes) return;
    const auto list = connections();
    if (received_.empty()) {
        for (const auto& one : list) received_[{one.address, one.port}] = one.received;
        received_[{"", 0}] = 0; // not empty, even where nobody is connected
        delivered_then_ = delivered_();
        return;
    }
    std::uint64_t received = 0, most = 0;
    const Connection* worst = nullptr;
    for (const auto& one : list) {
        const auto then = received_.find({one.address, one.port});
        const auto grown = one.received - (then == received_.end() ? 0 : then->second);
        received += grown;
        if (grown > most) most = grown, worst = &one;
    }
    const auto delivered = delivered_() - delivered_then_;
    if (worst == nullptr || received < delivered + limits_.undelivered) return;
    {
        const std::scoped_lock lock(mutex_);
        if (bans_.size() > 4096) bans_.clear();
        bans_[worst->address] = steady_ms() + limits_.ban_ms;
    }
    ::shutdown(worst->fd, SHUT_RDWR); // libzmq sees the end of its stream and throws away what it had of the message
    cut_(worst->address);
    received_.clear();
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    ::malloc_trim(0);
    calm_ = std::min(calm_ + limits_.look_bytes, resident());
}

} // namespace raymill::farm
