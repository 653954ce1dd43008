#include "tests/bench/farm/server.hpp"

#include "farm/client/upload.hpp"
#include "farm/protocol/files.hpp"
#include "farm/protocol/sha256.hpp"

#include <arpa/inet.h>
#include <csignal>
#include <fcntl.h>
#include <fstream>
#include <netinet/in.h>
#include <random>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace raymill::farm::bench {
namespace {

bool can_bind(unsigned port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const bool bound = ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
    ::close(fd);
    return bound;
}

} // namespace

Server::Server(std::filesystem::path raymill, std::filesystem::path folder) : raymill_(std::move(raymill)), folder_(std::move(folder)) {
    std::filesystem::create_directories(folder_);
    std::random_device draw;
    while (port_ == 0 || !can_bind(port_) || !can_bind(port_ + 1) || !can_bind(port_ + 2)) port_ = 10000 + draw() % 20000;
}

Server::~Server() { kill(); }

Status Server::start() {
    std::vector<std::string> words{raymill_.string(), "serve",
                                   "--data",          data().string(),
                                   "--http",          "127.0.0.1:" + std::to_string(port_),
                                   "--workers-at",    "tcp://127.0.0.1:" + std::to_string(port_ + 1)};
    std::vector<char*> arguments;
    for (auto& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return fail(Code::io, "server", "no pipe: " + errno_text());
    const auto log = folder_ / "server.log";
    const int log_fd = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    const auto home = folder_.string();
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
    std::string line;
    for (char c = 0; ::read(ends[0], &c, 1) == 1 && c != '\n';) line.push_back(c);
    ::close(ends[0]);
    if (line.starts_with("raymill: serving")) return {};
    return fail(Code::failed, "server", "it did not start; " + read_small_file(log, 1u << 20).value_or("no log"));
}

void Server::kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
}

client::Http Server::http() const {
    std::ifstream in(data() / "local.token");
    std::string token;
    in >> token;
    return {{false, "127.0.0.1", port_}, {token, {}}, {std::chrono::seconds(30), std::chrono::seconds(30)}, {}};
}

client::Client Server::client() const { return client::Client(http()); }
std::string Server::server_key() const { return read_small_file(data() / "server.pub", 4096).value_or("").substr(0, 40); }
KeyPair Server::worker_keys() const { return load_or_make_keys(data() / "local_worker.key").value_or(KeyPair{}); }

double Server::cpu_s() const {
    std::ifstream in("/proc/" + std::to_string(pid_) + "/stat");
    std::string text((std::istreambuf_iterator<char>(in)), {});
    const auto close = text.rfind(')');
    if (close == std::string::npos) return 0;
    std::istringstream fields(text.substr(close + 1));
    std::string skipped;
    for (int i = 0; i < 11; ++i) fields >> skipped;
    double user = 0, system = 0;
    fields >> user >> system;
    return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

Result<std::string> Server::scene(const std::string& bytes) {
    const auto file = folder_ / "scene.gltf";
    std::ofstream(file) << bytes;
    auto to = client();
    const auto local = client::make_manifest({.main = "scene.gltf", .files = {{"scene.gltf", file}}}, {});
    if (!local) return std::unexpected(local.error());
    const auto sent = client::upload(to, *local, {.connect = [this] { return http(); }, .on_progress = {}});
    if (!sent) return std::unexpected(sent.error());
    return sent->scene;
}

Result<std::string> Server::submit(const std::string& scene, const std::map<std::string, std::string>& settings) {
    const auto job = client().submit({.scene = scene, .settings = settings, .name = "bench", .key = ""});
    if (!job) return std::unexpected(job.error());
    return job->job;
}

} // namespace raymill::farm::bench
