#include "farm/worker/render_child.hpp"

#include "farm/protocol/files.hpp"
#include "farm/protocol/sha256.hpp"
#include "farm/worker/sandbox.hpp"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace raymill::farm {
namespace {

// From here to child_main: only what is safe between fork and exec in a program with threads.

void write_proc(const char* path, const char* text) {
    const int fd = ::open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return;
    [[maybe_unused]] const auto wrote = ::write(fd, text, std::strlen(text));
    ::close(fd);
}

void limit(int resource, rlim_t value) {
    rlimit now{};
    ::getrlimit(static_cast<__rlimit_resource_t>(resource), &now);
    if (now.rlim_max != RLIM_INFINITY && value > now.rlim_max) value = now.rlim_max;
    const rlimit wanted{value, value};
    ::setrlimit(static_cast<__rlimit_resource_t>(resource), &wanted);
}

struct ChildPlan {
    int socket = -1;
    pid_t parent = -1;
    char* const* arguments = nullptr;
    char* const* environment = nullptr;
    const char* folder = nullptr;
    const char* uid_map = nullptr;
    const char* gid_map = nullptr;
    rlim_t file_bytes = 0;
};

[[noreturn]] void child_main(const ChildPlan& plan) {
    // A user namespace of its own lets it give up the network; where that is not allowed it goes on with it. Its files stay its user's
    // either way.
    if (::unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0) {
        write_proc("/proc/self/setgroups", "deny");
        write_proc("/proc/self/uid_map", plan.uid_map);
        write_proc("/proc/self/gid_map", plan.gid_map);
    }
    // After unshare(), which forgets it.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != plan.parent) ::_exit(125);
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    // Ctrl-C on the terminal is the supervisor's affair.
    ::setpgid(0, 0);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_FSIZE, plan.file_bytes);
    limit(RLIMIT_NOFILE, 1024);
    write_proc("/proc/self/oom_score_adj", "500"); // where memory runs out it goes before its supervisor
    if (::chdir(plan.folder) != 0) ::_exit(125);
    if (plan.socket == 3)
        ::fcntl(3, F_SETFD, 0);
    else
        ::dup2(plan.socket, 3);
    ::syscall(SYS_close_range, 4u, ~0u, 0u);
    ::execve(plan.arguments[0], plan.arguments, plan.environment);
    ::_exit(126);
}

std::string end_of(int status) {
    if (WIFSIGNALED(status))
        return std::string("the render process was ended by signal ") + std::to_string(WTERMSIG(status)) + " (" +
               ::strsignal(WTERMSIG(status)) + ")";
    if (WIFEXITED(status) && WEXITSTATUS(status) == 126) return "the render process's program cannot be started";
    return "the render process ended with status " + std::to_string(WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

} // namespace

Result<std::unique_ptr<RenderChild>> RenderChild::start(const std::vector<std::string>& command, const std::filesystem::path& scratch,
                                                        const RenderLimits& limits) {
    std::unique_ptr<RenderChild> child(new RenderChild);
    child->limits_ = limits;
    child->folder_ = std::filesystem::absolute(scratch) / random_hex(8);
    if (auto ok = make_private_folder(child->folder_); !ok) return std::unexpected(ok.error());

    std::vector<char*> arguments, environment;
    for (const auto& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    // Secrets of the farm and the user's temporary folder are not its business.
    const auto folder_word = "TMPDIR=" + child->folder_.string();
    environment.push_back(const_cast<char*>(folder_word.c_str()));
    SandboxPlan plan_for_files{.read = limits.read, .write = limits.write};
    plan_for_files.write.push_back(child->folder_);
    const auto sandbox_word = std::string(sandbox_variable) + "=" + to_text(plan_for_files);
    if (limits.sandbox) environment.push_back(const_cast<char*>(sandbox_word.c_str()));
    for (char** at = environ; *at != nullptr; ++at)
        if (std::strncmp(*at, "RAYMILL_", 8) != 0 && std::strncmp(*at, "TMPDIR=", 7) != 0) environment.push_back(*at);
    environment.push_back(nullptr);
    const auto uid_map = std::to_string(::geteuid()) + " " + std::to_string(::geteuid()) + " 1";
    const auto gid_map = std::to_string(::getegid()) + " " + std::to_string(::getegid()) + " 1";

    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return fail(Code::io, "render process", "no socket: " + errno_text());
    const ChildPlan plan{.socket = ends[1],
                         .parent = ::getpid(),
                         .arguments = arguments.data(),
                         .environment = environment.data(),
                         .folder = child->folder_.c_str(),
                         .uid_map = uid_map.c_str(),
                         .gid_map = gid_map.c_str(),
                         .file_bytes = limits.file_bytes};
    const auto pid = ::fork();
    if (pid == 0) child_main(plan);
    ::close(ends[1]);
    child->fd_ = ends[0];
    if (pid < 0) return fail(Code::io, "render process", "no process: " + errno_text());
    child->pid_ = pid;
    return child;
}

RenderChild::~RenderChild() {
    if (fd_ >= 0) ::close(fd_);
    if (pid_ > 0) {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
}

void RenderChild::send(const wire::ToRender& message, bool work) {
    if (work) {
        busy_ = true;
        heard_ = Clock::now();
    }
    [[maybe_unused]] const auto sent = write_frame(fd_, message.SerializeAsString());
}

std::vector<wire::FromRender> RenderChild::receive(std::string& ended) {
    std::vector<wire::FromRender> messages;
    const auto open = reader_.pump(fd_);
    while (const auto frame = reader_.next()) {
        heard_ = Clock::now();
        wire::FromRender message;
        if (message.ParseFromString(*frame))
            messages.push_back(std::move(message));
        else
            ended = "the render process said what cannot be understood";
    }
    if (open && *open) return messages;
    int status = 0;
    ::kill(pid_, SIGKILL); // its socket is closed: whatever still runs is of no use
    if (::waitpid(pid_, &status, 0) == pid_ && ended.empty()) ended = end_of(status);
    if (ended.empty()) ended = "the render process is gone";
    pid_ = -1;
    return messages;
}

std::string RenderChild::over_limits() const {
    if (busy_ && Clock::now() - heard_ > limits_.stall)
        return "the render process was silent for " + std::to_string(limits_.stall.count()) + " s and is taken for hung";
    if (limits_.memory_bytes == 0 || pid_ <= 0) return {};
    const auto statm = read_small_file("/proc/" + std::to_string(pid_) + "/statm", 4096);
    unsigned long total = 0, resident = 0;
    if (!statm || std::sscanf(statm->c_str(), "%lu %lu", &total, &resident) != 2) return {};
    const auto bytes = std::uint64_t{resident} * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    if (bytes <= limits_.memory_bytes) return {};
    return "the render process used " + std::to_string(bytes >> 20) + " MB of memory, more than its " +
           std::to_string(limits_.memory_bytes >> 20) + " MB";
}

} // namespace raymill::farm
