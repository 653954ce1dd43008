#include "farm/coordinator/http_gate.hpp"

#include "farm/coordinator/gate_connection.hpp"
#include "farm/coordinator/tls.hpp"
#include "farm/protocol/limits.hpp"
#include "renderer/base/check.hpp"
#include "renderer/base/error.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <httplib.h>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace raymill::farm {
namespace {

using Clock = GateConnection::Clock;
using Moved = GateConnection::Moved;
using Connection = std::unique_ptr<GateConnection>;
using std::chrono::seconds;

constexpr std::size_t longest_drain = 1u << 20; ///< of what a refused peer still sends
constexpr seconds drain_time{2};
constexpr int listen_backlog = 1024;

const char* reason_of(int status) {
    switch (status) {
    case 401:
        return "Unauthorized";
    case 403:
        return "Forbidden";
    case 411:
        return "Length Required";
    case 413:
        return "Payload Too Large";
    case 414:
        return "URI Too Long";
    case 415:
        return "Unsupported Media Type";
    case 429:
        return "Too Many Requests";
    case 431:
        return "Request Header Fields Too Large";
    case 503:
        return "Service Unavailable";
    default:
        return "Bad Request";
    }
}

std::string refusal_text(int status, const std::string& words) {
    const auto code = status == 400 || status == 411 || status == 415 || status == 416 ? Code::usage : Code::refused;
    const auto body = nlohmann::json{{"error", {{"code", std::string(name_of(code))}, {"message", words}}}}.dump(
        -1, ' ', false, nlohmann::json::error_handler_t::replace);
    return "HTTP/1.1 " + std::to_string(status) + " " + reason_of(status) + "\r\nContent-Type: application/json\r\nConnection: close\r\n" +
           (status == 401 ? "WWW-Authenticate: Bearer\r\n" : "") + (status == 429 || status == 503 ? "Retry-After: 1\r\n" : "") +
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

/// What the library reads from and writes to while it serves one request. Each direction has to keep a pace.
class GateStream final : public httplib::Stream {
  public:
    GateStream(GateConnection& connection, std::uint64_t body, const std::atomic<bool>& stop)
        : connection_(connection), stop_(stop), read_by_(Clock::now() + seconds(limits::http_grace_s) + pace(body)) {}
    bool is_readable() const override { return !connection_.input.empty(); }
    bool is_writable() const override { return wait(POLLOUT, Clock::now() + seconds(limits::http_grace_s)); }
    ssize_t read(char* into, std::size_t size) override {
        auto& input = connection_.input;
        if (used_ < input.size()) {
            const auto part = std::min(size, input.size() - used_);
            std::copy_n(input.data() + used_, part, into);
            used_ += part;
            return static_cast<ssize_t>(part);
        }
        for (;;) {
            std::size_t got = 0;
            const auto moved = connection_.read(into, size, got);
            if (moved == Moved::yes) return static_cast<ssize_t>(got);
            if (moved == Moved::closed || !wait(moved == Moved::wants_write ? POLLOUT : POLLIN, read_by_)) return -1;
        }
    }
    ssize_t write(const char* bytes, std::size_t size) override {
        if (written_ == 0) write_since_ = Clock::now();
        for (std::size_t done = 0; done < size;) {
            std::size_t sent = 0;
            const auto moved = connection_.write({bytes + done, size - done}, sent);
            done += sent;
            written_ += sent;
            if (moved == Moved::yes) continue;
            const auto by = write_since_ + seconds(limits::http_grace_s) + pace(written_);
            if (moved == Moved::closed || !wait(moved == Moved::wants_read ? POLLIN : POLLOUT, by)) return -1;
        }
        return static_cast<ssize_t>(size);
    }
    void get_remote_ip_and_port(std::string& ip, int& port) const override {
        ip = connection_.ip();
        port = connection_.port();
    }
    void get_local_ip_and_port(std::string& ip, int& port) const override {
        ip.clear();
        port = 0;
    }
    socket_t socket() const override { return connection_.fd(); }
    /// What came behind the request stays for the next.
    void keep_rest() { connection_.input.erase(0, used_); }

  private:
    static std::chrono::milliseconds pace(std::uint64_t bytes) {
        return std::chrono::milliseconds(bytes * 1000 / limits::http_bytes_a_second);
    }
    bool wait(short events, Clock::time_point by) const {
        while (!stop_) {
            const auto left = std::chrono::ceil<std::chrono::milliseconds>(by - Clock::now()).count();
            if (left <= 0) return false;
            pollfd item{connection_.fd(), events, 0};
            const int ready = ::poll(&item, 1, static_cast<int>(std::min<long>(left, 200)));
            if (ready > 0) return true;
            if (ready < 0 && errno != EINTR) return false;
        }
        return false;
    }
    GateConnection& connection_;
    const std::atomic<bool>& stop_;
    Clock::time_point read_by_, write_since_;
    std::size_t used_ = 0;
    std::uint64_t written_ = 0;
};

class GatedServer final : public httplib::Server {
  public:
    explicit GatedServer(GateOptions options)
        : options_(std::move(options)), epoll_(::epoll_create1(EPOLL_CLOEXEC)), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
        CHECK_TRUE(epoll_ >= 0 && wake_ >= 0);
        epoll_event event{.events = EPOLLIN, .data = {.fd = wake_}};
        CHECK_SAME(::epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &event), 0);
        new_task_queue = [this] { return new Queue(*this); };
    }
    ~GatedServer() override {
        shut();
        ::close(epoll_);
        ::close(wake_);
    }

  private:
    /// The library hands over each connection it accepts as a task; done at once, it only brings the connection here.
    struct Queue final : httplib::TaskQueue {
        GatedServer& server;
        explicit Queue(GatedServer& gate) : server(gate) { server.begin(); }
        void enqueue(std::function<void()> task) override { task(); }
        void shutdown() override { server.shut(); }
    };
    struct Group {
        int running = 0;
        std::uint64_t bytes = 0;
        std::deque<Connection> ready;
    };

    bool process_and_close_socket(socket_t socket) override {
        auto connection = std::make_unique<GateConnection>(socket, options_.tls);
        connection->deadline = Clock::now() + seconds(limits::http_head_s);
        {
            const std::scoped_lock lock(mutex_);
            if (stop_) return false;
            auto& here = by_address_[connection->ip()];
            if (here >= limits::http_connections_an_address) return false; // closed at once
            ++here;
            ++open_;
            arrived_.push_back(std::move(connection));
        }
        wake();
        return true;
    }

    void begin() {
        ::listen(svr_sock_, listen_backlog); // the library says 5, with which a crowd's connections wait for seconds
        anteroom_ = std::thread([this] { wait_for_heads(); });
        for (std::size_t i = 0; i < limits::http_threads; ++i) servers_.emplace_back([this] { serve_ready(); });
    }
    void shut() {
        {
            const std::scoped_lock lock(mutex_);
            stop_ = true;
        }
        wake();
        ready_.notify_all();
        if (anteroom_.joinable()) anteroom_.join();
        for (auto& thread : servers_) thread.join();
        servers_.clear();
        const std::scoped_lock lock(mutex_);
        groups_.clear();
        arrived_.clear();
    }
    void wake() const {
        const std::uint64_t one = 1;
        [[maybe_unused]] const auto wrote = ::write(wake_, &one, sizeof one);
    }

    // The anteroom's thread.
    void wait_for_heads() {
        std::array<epoll_event, 256> events;
        auto next_look = Clock::now();
        while (!stop_) {
            const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 250);
            for (int i = 0; i < count; ++i) {
                const int fd = events[static_cast<std::size_t>(i)].data.fd;
                if (fd == wake_) {
                    std::uint64_t ignored = 0;
                    [[maybe_unused]] const auto got = ::read(wake_, &ignored, sizeof ignored);
                } else if (const auto found = waiting_.find(fd); found != waiting_.end()) {
                    advance(std::move(found->second));
                }
            }
            take_arrivals();
            if (Clock::now() >= next_look) {
                end_overdue();
                next_look = Clock::now() + std::chrono::milliseconds(250);
            }
        }
        while (!waiting_.empty()) close(take(waiting_.begin()->first));
    }
    void take_arrivals() {
        std::vector<Connection> arrived;
        std::size_t open = 0;
        {
            const std::scoped_lock lock(mutex_);
            arrived.swap(arrived_);
            open = open_;
        }
        for (auto& connection : arrived) {
            const int fd = connection->fd();
            epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
            if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) {
                close(std::move(connection));
                continue;
            }
            waiting_[fd] = nullptr;
            advance(std::move(connection)); // it may have brought the next request already
        }
        for (; open > limits::http_connections && !waiting_.empty(); --open) make_room();
    }
    /// The address with the most connections here loses the one that would be overdue first: who opens many pays for it.
    void make_room() {
        std::map<std::string, std::size_t> counts;
        for (const auto& [fd, connection] : waiting_) ++counts[connection->ip()];
        const auto most = std::ranges::max_element(counts, {}, [](const auto& entry) { return entry.second; })->first;
        int oldest = -1;
        for (const auto& [fd, connection] : waiting_)
            if (connection->ip() == most && (oldest < 0 || connection->deadline < waiting_[oldest]->deadline)) oldest = fd;
        close(take(oldest));
    }
    void end_overdue() {
        const auto now = Clock::now();
        std::vector<int> overdue;
        for (const auto& [fd, connection] : waiting_)
            if (connection->deadline < now) overdue.push_back(fd);
        for (const int fd : overdue) {
            auto connection = take(fd);
            if (!connection->draining && !connection->input.empty() && options_.refused)
                options_.refused(connection->ip(), 408, "the request's headers did not come in time");
            close(std::move(connection));
        }
    }
    Connection take(int fd) {
        const auto found = waiting_.find(fd);
        auto connection = std::move(found->second);
        waiting_.erase(found);
        ::epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
        return connection;
    }
    void close(Connection connection) {
        const std::scoped_lock lock(mutex_);
        if (const auto here = by_address_.find(connection->ip()); here != by_address_.end() && --here->second == 0) by_address_.erase(here);
        --open_;
    }
    /// Reads what is there; the connection is then waiting again, being served, or closed.
    void advance(Connection connection) {
        const int fd = connection->fd();
        auto& place = waiting_[fd];
        auto moved = connection->shake();
        while (moved == Moved::yes) {
            if (!connection->draining) {
                const auto end = connection->input.find("\r\n\r\n");
                if (end != std::string::npos) {
                    place = std::move(connection);
                    return judge(take(fd), end + 4);
                }
                if (connection->input.size() >= limits::http_head) {
                    place = std::move(connection);
                    return refuse(take(fd), 431, "the request's headers are larger than 16 KiB");
                }
            }
            char bytes[4096];
            std::size_t got = 0;
            const bool first = connection->input.empty();
            moved = connection->read(bytes, sizeof bytes, got);
            if (moved != Moved::yes) break;
            if (connection->draining) {
                connection->drained += got;
                if (connection->drained > longest_drain) moved = Moved::closed;
            } else {
                connection->input.append(bytes, got);
                if (first && connection->served > 0) connection->deadline = Clock::now() + seconds(limits::http_head_s);
            }
        }
        place = std::move(connection);
        if (moved == Moved::closed) return close(take(fd));
        epoll_event event{.events = moved == Moved::wants_write ? EPOLLOUT : EPOLLIN, .data = {.fd = fd}};
        ::epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event);
    }
    void judge(Connection connection, std::size_t size) {
        const auto read = read_head(std::string_view(connection->input).substr(0, size));
        if (const auto* fault = std::get_if<HeadFault>(&read)) return refuse(std::move(connection), fault->status, fault->words);
        const auto& head = std::get<RequestHead>(read);
        if (head.no_length) connection->input.insert(size - 2, "Content-Length: 0\r\n");
        auto admission = options_.admit(head, connection->ip());
        if (admission.status == 0) {
            const std::scoped_lock lock(mutex_);
            auto& group = groups_[admission.group];
            if (group.running + static_cast<int>(group.ready.size()) >= admission.most)
                admission = {429, "too many requests at a time; try again soon", {}, 0};
            else if (group.bytes + head.body > limits::bodies_a_tenant && group.bytes > 0)
                admission = {429, "too many bytes are on their way already; try again soon", {}, 0};
            else if (bytes_ + head.body > limits::bodies && bytes_ > 0)
                admission = {503, "the server receives too many bytes just now; try again soon", {}, 0};
            else {
                connection->group = admission.group;
                connection->charge = head.body;
                group.bytes += head.body;
                bytes_ += head.body;
                group.ready.push_back(std::move(connection));
                ready_.notify_one();
                return;
            }
            if (group.running == 0 && group.ready.empty()) groups_.erase(admission.group);
        }
        refuse(std::move(connection), admission.status, admission.words);
    }
    /// Answers, and lets what the peer still sends run into nothing for a moment: closing at once could take the answer from it.
    void refuse(Connection connection, int status, const std::string& words) {
        if (options_.refused) options_.refused(connection->ip(), status, words);
        std::size_t sent = 0;
        const auto moved = connection->write(refusal_text(status, words), sent); // far smaller than the socket's buffer
        connection->finish_writing();
        if (moved != Moved::yes) return close(std::move(connection));
        connection->draining = true;
        connection->input.clear();
        connection->deadline = Clock::now() + drain_time;
        const int fd = connection->fd();
        epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
        if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) return close(std::move(connection));
        waiting_[fd] = std::move(connection);
    }

    // The serving threads.
    void serve_ready() {
        for (;;) {
            Connection connection;
            {
                std::unique_lock lock(mutex_);
                const auto next = [this] {
                    auto best = groups_.end();
                    for (auto at = groups_.begin(); at != groups_.end(); ++at)
                        if (!at->second.ready.empty() && (best == groups_.end() || at->second.running < best->second.running)) best = at;
                    return best;
                };
                ready_.wait(lock, [&] { return stop_ || next() != groups_.end(); });
                if (stop_) return;
                auto& group = next()->second;
                connection = std::move(group.ready.front());
                group.ready.pop_front();
                ++group.running;
            }
            const bool again = serve(*connection);
            {
                const std::scoped_lock lock(mutex_);
                const auto group = groups_.find(connection->group);
                group->second.bytes -= connection->charge;
                bytes_ -= connection->charge;
                if (--group->second.running == 0 && group->second.ready.empty()) groups_.erase(group);
                if (again && !stop_) arrived_.push_back(std::move(connection));
            }
            if (connection)
                close(std::move(connection));
            else
                wake();
        }
    }
    bool serve(GateConnection& connection) {
        GateStream stream(connection, connection.charge, stop_);
        const bool last = ++connection.served >= keep_alive_max_count_;
        bool closed = false;
        const bool good = process_request(stream, last, closed, nullptr);
        stream.keep_rest();
        connection.deadline = Clock::now() + seconds(limits::http_idle_s);
        return good && !closed && !last;
    }

    GateOptions options_;
    int epoll_, wake_;
    std::atomic<bool> stop_ = false;
    std::thread anteroom_;
    std::vector<std::thread> servers_;
    std::map<int, Connection> waiting_; ///< the anteroom's, by descriptor

    std::mutex mutex_;
    std::condition_variable ready_;
    std::vector<Connection> arrived_; ///< on their way into the anteroom
    std::map<std::string, Group> groups_;
    std::map<std::string, std::size_t> by_address_; ///< open connections
    std::size_t open_ = 0;
    std::uint64_t bytes_ = 0;
};

} // namespace

std::unique_ptr<httplib::Server> make_gated_server(GateOptions options) { return std::make_unique<GatedServer>(std::move(options)); }

} // namespace raymill::farm
