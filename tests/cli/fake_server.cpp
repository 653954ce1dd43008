#include "tests/cli/fake_server.hpp"

#include "farm/protocol/sha256.hpp"

#include <arpa/inet.h>
#include <atomic>
#include <httplib.h>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

namespace raymill::test {

using Json = nlohmann::json;

struct FakeServer::Impl {
    httplib::Server server;
    int port = 0;
    std::thread thread;
};

FakeServer::FakeServer() : impl_(std::make_unique<Impl>()) {
    auto& s = impl_->server;
    s.set_tcp_nodelay(true);
    const auto say = [](httplib::Response& response, int status, const Json& body) {
        response.status = status;
        response.set_content(body.dump(), "application/json");
    };
    const auto failure = [](const std::string& code, const std::string& message) {
        return Json{{"error", {{"code", code}, {"message", message}}}};
    };
    s.set_pre_routing_handler([this, say, failure](const httplib::Request& request, httplib::Response& response) {
        const std::lock_guard lock(mutex);
        ++requests[request.method + " " + request.path];
        if (busy > 0) {
            --busy;
            say(response, 503, failure("refused", "starting"));
            return httplib::Server::HandlerResponse::Handled;
        }
        if (!token.empty() && request.get_header_value("Authorization") != "Bearer " + token) {
            response.status = 401;
            return httplib::Server::HandlerResponse::Handled;
        }
        return httplib::Server::HandlerResponse::Unhandled;
    });
    s.Post("/v1/scenes/missing", [this, say](const httplib::Request& request, httplib::Response& response) {
        const std::lock_guard lock(mutex);
        std::map<std::string, Json> missing;
        const auto body = Json::parse(request.body);
        for (const auto& f : body["manifest"]["files"]) {
            const auto hash = f["sha256"].get<std::string>();
            if (!blobs.contains(hash)) missing[hash] = {{"sha256", hash}, {"size", f["size"]}, {"have", halves[hash].size()}};
        }
        Json list = Json::array();
        for (const auto& [hash, entry] : missing) list.push_back(entry);
        say(response, 200, {{"scene", "?"}, {"missing", list}});
    });
    s.Post("/v1/scenes", [this, say, failure](const httplib::Request& request, httplib::Response& response) {
        const std::lock_guard lock(mutex);
        const auto body = Json::parse(request.body);
        const auto& manifest = body["manifest"];
        for (const auto& f : manifest["files"])
            if (!blobs.contains(f["sha256"].get<std::string>())) return say(response, 409, failure("refused", "blobs lack"));
        // nlohmann writes keys in order and these paths need no escapes: this is the canonical text.
        say(response, 200, {{"scene", farm::sha256_of(manifest.dump())}});
    });
    s.Put(R"(/v1/blobs/([0-9a-f]{64}))",
          [this, say, failure](const httplib::Request& request, httplib::Response& response, const httplib::ContentReader& reader) {
              const std::string hash = request.matches[1];
              const auto offset = std::stoull(request.get_param_value("offset")), size = std::stoull(request.get_param_value("size"));
              Put put{offset, 0, 0};
              bool right = false;
              {
                  const std::lock_guard lock(mutex);
                  right = halves[hash].size() == offset && !blobs.contains(hash);
              }
              const bool whole = reader([&](const char* data, std::size_t length) {
                  const std::lock_guard lock(mutex);
                  if (right) halves[hash].append(data, length);
                  put.arrived += length;
                  return true;
              });
              const std::lock_guard lock(mutex);
              const auto have = blobs.contains(hash) ? size : halves[hash].size();
              put.status = !whole ? 0 : right ? 200 : 409;
              if (whole && right && have == size) {
                  if (farm::sha256_of(halves[hash]) == hash)
                      blobs[hash] = halves[hash];
                  else
                      put.status = 400;
                  halves.erase(hash);
              }
              puts[hash].push_back(put);
              if (put.status == 400) return say(response, 400, failure("bad_input", "the hash does not match"));
              say(response, put.status == 409 ? 409 : 200, {{"have", have}});
          });
    s.Get(".*", [this](const httplib::Request& request, httplib::Response& response) {
        std::string json;
        {
            const std::lock_guard lock(mutex);
            if (const auto at = files.find(request.path); at != files.end())
                return response.set_content(at->second, "image/png"); // httplib honours Range
        }
        if (on_get) json = on_get(request.target);
        if (json.empty())
            response.status = 404;
        else
            response.set_content(json, "application/json");
    });
    s.Post(".*", [this](const httplib::Request& request, httplib::Response& response) {
        const auto json = on_post ? on_post(request.path, request.body) : std::string();
        if (json.empty())
            response.status = 404;
        else
            response.set_content(json, "application/json");
    });
    impl_->port = s.bind_to_any_port("127.0.0.1");
    impl_->thread = std::thread([this] { impl_->server.listen_after_bind(); });
    while (!s.is_running()) std::this_thread::yield();
}

FakeServer::~FakeServer() {
    impl_->server.stop();
    impl_->thread.join();
}

farm::client::ServerAddress FakeServer::address() const { return {false, "127.0.0.1", static_cast<unsigned>(impl_->port)}; }

struct CuttingProxy::Impl {
    farm::client::ServerAddress behind;
    std::vector<std::uint64_t> after_sent, after_received;
    int listener = -1;
    unsigned port = 0;
    std::atomic<bool> over = false;
    std::vector<std::thread> threads;
    std::thread acceptor;

    static std::uint64_t cut_of(const std::vector<std::uint64_t>& cuts, std::size_t n) {
        return n < cuts.size() && cuts[n] > 0 ? cuts[n] : UINT64_MAX;
    }

    void carry(int client, std::size_t number) {
        const int server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in to{};
        to.sin_family = AF_INET, to.sin_port = htons(static_cast<std::uint16_t>(behind.port)), to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        std::uint64_t left[2] = {cut_of(after_sent, number), cut_of(after_received, number)};
        const int ends[2] = {client, server};
        bool open = ::connect(server, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
        char buffer[4096];
        while (open && !over) {
            pollfd polls[2] = {{client, POLLIN, 0}, {server, POLLIN, 0}};
            ::poll(polls, 2, 50);
            for (int side = 0; side < 2 && open; ++side) {
                if (!(polls[side].revents & (POLLIN | POLLHUP))) continue;
                const auto got = ::recv(ends[side], buffer, std::min<std::uint64_t>(sizeof buffer, left[side]), 0);
                open = got > 0 && ::send(ends[1 - side], buffer, static_cast<std::size_t>(got), MSG_NOSIGNAL) == got;
                if (got > 0) left[side] -= static_cast<std::uint64_t>(got);
                open = open && left[side] > 0;
            }
        }
        // What was passed on arrives: an orderly end towards the server. The client sees the connection go.
        ::shutdown(server, SHUT_WR);
        ::close(client);
        ::close(server);
    }
};

CuttingProxy::CuttingProxy(farm::client::ServerAddress behind, std::vector<std::uint64_t> after_sent,
                           std::vector<std::uint64_t> after_received)
    : impl_(std::make_unique<Impl>()) {
    impl_->behind = std::move(behind), impl_->after_sent = std::move(after_sent), impl_->after_received = std::move(after_received);
    impl_->listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in here{};
    here.sin_family = AF_INET, here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof here;
    if (::bind(impl_->listener, reinterpret_cast<sockaddr*>(&here), size) != 0 || ::listen(impl_->listener, 16) != 0 ||
        ::getsockname(impl_->listener, reinterpret_cast<sockaddr*>(&here), &size) != 0)
        std::abort();
    impl_->port = ntohs(here.sin_port);
    impl_->acceptor = std::thread([this] {
        for (std::size_t n = 0;; ++n) {
            const int client = ::accept4(impl_->listener, nullptr, nullptr, SOCK_CLOEXEC);
            if (client < 0) return;
            impl_->threads.emplace_back([this, client, n] { impl_->carry(client, n); });
        }
    });
}

CuttingProxy::~CuttingProxy() {
    impl_->over = true;
    ::shutdown(impl_->listener, SHUT_RDWR);
    impl_->acceptor.join();
    ::close(impl_->listener);
    for (auto& thread : impl_->threads) thread.join();
}

farm::client::ServerAddress CuttingProxy::address() const { return {false, "127.0.0.1", impl_->port}; }

} // namespace raymill::test
