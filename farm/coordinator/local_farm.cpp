#include "farm/coordinator/local_farm.hpp"

#include "farm/coordinator/serve.hpp"
#include "farm/protocol/files.hpp"
#include "farm/protocol/keys.hpp"
#include "farm/protocol/sha256.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace raymill::farm {
namespace {

using Clock = std::chrono::steady_clock;

struct Child {
    pid_t pid = -1;
    int output = -1; ///< its standard output
};

/// Starts a program that gets SIGTERM when this thread ends, with standard error into `log`. Its own process group, so that a Ctrl-C on the
/// terminal is first this process's: it ends the children in order.
Result<Child> start_child(const std::vector<std::string>& words, const std::filesystem::path& home, const std::filesystem::path& log) {
    std::vector<char*> arguments;
    for (const auto& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return fail(Code::io, "local farm", "no pipe: " + errno_text());
    const int log_fd = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    // Between fork and exec only what is safe there: the environment is made before.
    const auto home_word = "RAYMILL_HOME=" + home.string();
    std::vector<char*> environment{const_cast<char*>(home_word.c_str())};
    for (char** at = environ; *at != nullptr; ++at)
        if (!std::string_view(*at).starts_with("RAYMILL_")) environment.push_back(*at);
    environment.push_back(nullptr);
    const auto parent = ::getpid();
    const auto pid = ::fork();
    if (pid == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (::getppid() != parent) ::_exit(125);
        ::setpgid(0, 0);
        ::dup2(ends[1], STDOUT_FILENO);
        if (log_fd >= 0) ::dup2(log_fd, STDERR_FILENO);
        ::execve(arguments[0], arguments.data(), environment.data());
        ::_exit(126);
    }
    ::close(ends[1]);
    if (log_fd >= 0) ::close(log_fd);
    if (pid < 0) {
        ::close(ends[0]);
        return fail(Code::io, "local farm", "no process: " + errno_text());
    }
    return Child{pid, ends[0]};
}

/// The first line that a child writes, within `longest`.
std::string first_line(int fd, std::chrono::milliseconds longest) {
    std::string line;
    const auto end = Clock::now() + longest;
    while (line.size() < 4096) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()).count();
        pollfd item{fd, POLLIN, 0};
        if (left <= 0) return {};
        if (::poll(&item, 1, static_cast<int>(left)) <= 0) continue;
        char c = 0;
        const auto got = ::read(fd, &c, 1);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return {};
        if (c == '\n') return line;
        line.push_back(c);
    }
    return {};
}

std::string last_line(const std::filesystem::path& log) {
    const auto text = read_small_file(log, 4u << 20).value_or("");
    const auto end = text.find_last_not_of('\n');
    if (end == std::string::npos) return "it said nothing";
    const auto begin = text.rfind('\n', end);
    return text.substr(begin == std::string::npos ? 0 : begin + 1, end - (begin == std::string::npos ? 0 : begin + 1) + 1);
}

} // namespace

Result<LocalFarm> LocalFarm::start(const LocalFarmOptions& options) {
    LocalFarm farm;
    const char* variable = std::getenv("TMPDIR");
    const auto above =
        !options.temporary.empty() ? options.temporary : std::filesystem::path(variable != nullptr && *variable != 0 ? variable : "/tmp");
    farm.folder_ = above / ("raymill-" + random_hex(8));
    if (auto ok = make_private_folder(farm.folder_); !ok) return std::unexpected(ok.error());
    const auto run = [&](std::vector<std::string> words, const std::string& log) {
        auto command = options.command;
        command.insert(command.end(), std::make_move_iterator(words.begin()), std::make_move_iterator(words.end()));
        return start_child(command, farm.folder_, farm.folder_ / log);
    };
    const auto server =
        run({"serve", "--data", (farm.folder_ / "server").string(), "--http", "127.0.0.1:0", "--workers-at", "tcp://127.0.0.1:0"},
            "server.log");
    if (!server) return std::unexpected(server.error());
    farm.processes_.push_back(server->pid);
    const auto line = first_line(server->output, std::chrono::seconds(20));
    ::close(server->output);
    ServeAddresses addresses;
    if (!parse_ready_line(line, addresses))
        return fail(Code::failed, "local farm", "the coordinator did not start: " + last_line(farm.folder_ / "server.log"));
    farm.url_ = addresses.http;
    auto token = load_or_make_token(farm.folder_ / "server" / "local.token"); // the server made it before it said that it is ready
    if (!token) return std::unexpected(token.error());
    farm.token_ = std::move(*token);
    for (unsigned i = 0; i < options.workers; ++i) {
        const auto name = "worker" + std::to_string(i);
        std::vector<std::string> words{"worker", "--connect", addresses.workers, "--data", (farm.folder_ / name).string()};
        const auto& device = options.devices.empty() ? options.device : options.devices[i % options.devices.size()];
        if (!device.empty()) words.insert(words.end(), {"--device", device});
        if (options.threads != 0) words.insert(words.end(), {"--threads", std::to_string(options.threads)});
        const auto worker = run(words, name + ".log");
        if (!worker) return std::unexpected(worker.error());
        ::close(worker->output);
        farm.processes_.push_back(worker->pid);
    }
    return farm;
}

LocalFarm::LocalFarm(LocalFarm&& other) noexcept
    : folder_(std::exchange(other.folder_, {})), url_(std::move(other.url_)), token_(std::move(other.token_)),
      processes_(std::exchange(other.processes_, {})) {}

LocalFarm::~LocalFarm() {
    // Workers first, so that none complains of a lost server.
    std::ranges::reverse(processes_);
    for (const auto pid : processes_)
        if (pid > 0) ::kill(pid, SIGTERM);
    const auto end = Clock::now() + std::chrono::seconds(5);
    for (const auto pid : processes_) {
        if (pid <= 0) continue;
        while (::waitpid(pid, nullptr, WNOHANG) == 0) {
            if (Clock::now() >= end) {
                ::kill(pid, SIGKILL);
                ::waitpid(pid, nullptr, 0);
                break;
            }
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        }
    }
    std::error_code ignored;
    if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
}

Status LocalFarm::check() {
    for (auto& pid : processes_)
        if (pid > 0 && ::waitpid(pid, nullptr, WNOHANG) == pid) pid = 0;
    if (processes_.front() == 0) return fail(Code::failed, "local farm", "the coordinator ended: " + last_line(folder_ / "server.log"));
    if (processes_.size() > 1 && std::all_of(processes_.begin() + 1, processes_.end(), [](pid_t pid) { return pid == 0; }))
        return fail(Code::failed, "local farm", "every worker ended: " + last_line(folder_ / "worker0.log"));
    return {};
}

} // namespace raymill::farm
