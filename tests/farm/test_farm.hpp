#pragma once
/// A farm of real processes on loopback for tests: fake_raymill's coordinator and workers, in a folder of the test's own, killed with it.
#include "farm/client/client.hpp"
#include "farm/client/upload.hpp"
#include "farm/coordinator/access.hpp"
#include "tests/farm/scratch.hpp"

#include <arpa/inet.h>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <fstream>
#include <map>
#include <netinet/in.h>
#include <poll.h>
#include <random>
#include <sstream>
#include <string>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace raymill::farm {

namespace client {}
using namespace client; // farm/client's names

inline std::string fake_raymill() {
    const char* path = std::getenv("FAKE_RAYMILL");
    REQUIRE_MESSAGE(path != nullptr, "FAKE_RAYMILL names the stand-in program; meson sets it");
    return path;
}

/// A child that dies with this process; its standard output is read line by line, its standard error goes to `log`.
class Process {
  public:
    Process(std::vector<std::string> words, const std::filesystem::path& home, const std::filesystem::path& log) {
        words.insert(words.begin(), fake_raymill());
        std::vector<char*> arguments;
        for (auto& word : words) arguments.push_back(word.data());
        arguments.push_back(nullptr);
        int ends[2];
        REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
        const int log_fd = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        pid_ = ::fork();
        if (pid_ == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            ::setenv("RAYMILL_HOME", home.c_str(), 1);
            ::dup2(ends[1], 1);
            ::dup2(log_fd, 2);
            ::execv(arguments[0], arguments.data());
            ::_exit(127);
        }
        ::close(ends[1]);
        ::close(log_fd);
        output_ = ends[0];
    }
    Process(Process&& other) noexcept : pid_(std::exchange(other.pid_, -1)), output_(std::exchange(other.output_, -1)) {}
    Process& operator=(Process&& other) noexcept {
        std::swap(pid_, other.pid_);
        std::swap(output_, other.output_);
        return *this;
    }
    ~Process() {
        if (pid_ > 0) kill();
        if (output_ >= 0) ::close(output_);
    }
    [[nodiscard]] pid_t pid() const { return pid_; }
    [[nodiscard]] bool alive() {
        if (pid_ > 0 && ::waitpid(pid_, &status_, WNOHANG) == pid_) pid_ = -1;
        return pid_ > 0;
    }
    /// SIGKILL: no time to say anything.
    void kill() {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, &status_, 0);
        pid_ = -1;
    }
    /// SIGTERM, and its exit status.
    int stop() {
        ::kill(pid_, SIGTERM);
        return wait();
    }
    int wait() {
        ::waitpid(pid_, &status_, 0);
        pid_ = -1;
        return WIFEXITED(status_) ? WEXITSTATUS(status_) : 256 + WTERMSIG(status_);
    }
    std::string line() {
        std::string text;
        for (char c = 0;;) {
            pollfd item{output_, POLLIN, 0};
            if (::poll(&item, 1, 120000) <= 0 || ::read(output_, &c, 1) != 1 || c == '\n') return text;
            text.push_back(c);
        }
    }

  private:
    pid_t pid_ = -1;
    int output_ = -1, status_ = 0;
};

inline bool can_bind(unsigned port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(fd >= 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const bool bound = ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
    ::close(fd);
    return bound;
}

/// The first of three ports of loopback in a row that are free now and that no client gets by accident: below those that the kernel gives
/// to outgoing connections (net.ipv4.ip_local_port_range). A server that took free ones (port 0) may not come back at the first of them: a
/// given workers' port stands for the one after it as well, which may be some client's end of a connection by then.
inline unsigned free_ports() {
    std::random_device draw;
    for (int attempt = 0; attempt < 1000; ++attempt) {
        const auto port = 10000 + draw() % 20000;
        if (can_bind(port) && can_bind(port + 1) && can_bind(port + 2)) return port;
    }
    FAIL("no three ports in a row are free on loopback between 10000 and 30000");
    return 0;
}

/// Children of a process, by /proc.
inline std::vector<pid_t> children_of(pid_t parent) {
    std::vector<pid_t> children;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
        const auto pid = std::atoi(entry.path().filename().c_str());
        if (pid <= 0) continue;
        std::ifstream in(entry.path() / "stat");
        std::string text((std::istreambuf_iterator<char>(in)), {});
        const auto close = text.rfind(')');
        if (close == std::string::npos) continue;
        std::istringstream fields(text.substr(close + 1));
        std::string state;
        pid_t above = 0;
        fields >> state >> above;
        if (above == parent && state != "Z") children.push_back(pid);
    }
    return children;
}

inline bool eventually(const std::function<bool()>& holds, std::chrono::seconds longest = std::chrono::seconds(120)) {
    const auto end = std::chrono::steady_clock::now() + longest;
    while (!holds()) {
        if (std::chrono::steady_clock::now() > end) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return true;
}

class TestFarm {
  public:
    explicit TestFarm(unsigned worker_count, std::vector<std::string> worker_options = {}, unsigned lease_ms = 2000)
        : worker_options_(std::move(worker_options)), lease_ms_(lease_ms) {
        std::filesystem::create_directory(folder / "home");
        std::filesystem::permissions(folder / "home", std::filesystem::perms::owner_all);
        start_server();
        for (unsigned i = 0; i < worker_count; ++i) start_worker(i);
    }

    void start_server() {
        server.emplace(Process({"serve", "--data", folder / "server", "--http", "127.0.0.1:" + std::to_string(http_port_), "--workers-at",
                                "tcp://127.0.0.1:" + std::to_string(worker_port_), "--lease-ms", std::to_string(lease_ms_)},
                               folder / "home", folder / "server.log"));
        const auto line = server->line();
        REQUIRE_MESSAGE(line.starts_with("raymill: serving http://127.0.0.1:"), line << " / " << log("server.log"));
    }
    void start_worker(unsigned i) {
        std::vector<std::string> words{"worker", "--connect", "tcp://127.0.0.1:" + std::to_string(worker_port_), "--data",
                                       folder / ("worker" + std::to_string(i))};
        words.insert(words.end(), worker_options_.begin(), worker_options_.end());
        workers.insert_or_assign(i, Process(words, folder / "home", folder / ("worker" + std::to_string(i) + ".log")));
    }
    [[nodiscard]] std::string log(const std::string& name) const {
        std::ifstream in(folder / name);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    /// Of the user's own tenant, who runs the farm too.
    [[nodiscard]] std::string token() const {
        std::ifstream in(folder / "server/local.token");
        std::string word;
        in >> word;
        return word;
    }
    /// A fresh key of a tenant, which is made where it lacks.
    [[nodiscard]] std::string tenant_token(const std::string& tenant, const std::string& scope = "submit") const {
        auto access = Access::open(folder / "server");
        REQUIRE(access.has_value());
        [[maybe_unused]] const auto added = (*access)->add_tenant(tenant); // it may be there already
        const auto made = (*access)->make_key({.scope = scope, .tenant = tenant, .note = "a test's", .lasts_s = 0});
        REQUIRE_MESSAGE(made.has_value(), made.error().message());
        return made->token;
    }
    [[nodiscard]] unsigned http_port() const { return http_port_; }
    [[nodiscard]] Http http(const std::string& bearer) const {
        return {{false, "127.0.0.1", http_port_}, {bearer, {}}, {std::chrono::seconds(60), std::chrono::seconds(120)}, {}};
    }
    [[nodiscard]] Client client() const { return Client(http(token())); }
    [[nodiscard]] unsigned worker_port() const { return worker_port_; }

    /// Uploads a scene of one file with these words (fake_raymill.cpp says which) and gives its id.
    std::string scene(const std::string& words) {
        const auto file = folder / "scene.gltf";
        std::ofstream(file) << words;
        auto to = client();
        const auto local = make_manifest({.main = "scene.gltf", .files = {{"scene.gltf", file}}}, {});
        REQUIRE_MESSAGE(local.has_value(), local.error().message());
        const auto done = upload(to, *local, {.connect = [this] { return http(token()); }, .on_progress = {}});
        REQUIRE_MESSAGE(done.has_value(), done.error().message());
        return done->scene;
    }
    std::string submit(const std::string& scene_id, const std::map<std::string, std::string>& settings, const std::string& key = "") {
        const auto job = client().submit({.scene = scene_id, .settings = settings, .name = "test", .key = key});
        REQUIRE_MESSAGE(job.has_value(), job.error().message());
        return job->job;
    }
    JobInfo wait(const std::string& job, std::chrono::seconds longest = std::chrono::seconds(180)) {
        auto from = client();
        JobInfo info;
        const bool over = eventually(
            [&] {
                if (auto now = from.job(job)) info = std::move(*now);
                return info.over();
            },
            longest);
        REQUIRE_MESSAGE(over, "the job did not end: " << info.json << "\n" << log("server.log") << log("worker0.log"));
        return info;
    }
    /// Hashes of the job's frames.
    std::vector<std::string> images(const std::string& job) {
        std::vector<std::string> hashes;
        std::optional<std::uint64_t> next = 0;
        auto from = client();
        while (next) {
            const auto frames = from.frames(job, *next, next);
            REQUIRE(frames.has_value());
            for (const auto& frame : *frames) hashes.push_back(frame.sha256);
        }
        return hashes;
    }

    Scratch folder;
    std::optional<Process> server;
    std::map<unsigned, Process> workers;

  private:
    // They stay over restarts, as they would for people. The workers' door takes the port after its own, too.
    unsigned http_port_ = free_ports(), worker_port_ = http_port_ + 1;
    std::vector<std::string> worker_options_;
    unsigned lease_ms_;
};

} // namespace raymill::farm
