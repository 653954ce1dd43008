#include "tests/cli/program.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <poll.h>
#include <sstream>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace raymill::test {

Program::Program(const std::vector<std::string>& words, const std::string& home, const std::map<std::string, std::string>& environment) {
    std::map<std::string, std::string> variables;
    for (char** v = environ; *v; ++v) {
        const std::string entry = *v;
        if (!entry.starts_with("RAYMILL_") && !entry.starts_with("XDG_"))
            variables[entry.substr(0, entry.find('='))] = entry.substr(entry.find('=') + 1);
    }
    variables["HOME"] = home;
    for (const auto& [name, value] : environment) variables[name] = value;
    std::vector<std::string> texts, arguments = {RAYMILL_BINARY};
    arguments.insert(arguments.end(), words.begin(), words.end());
    for (const auto& [name, value] : variables) texts.push_back(name + "=" + value);
    std::vector<char*> argv, envp;
    for (auto& a : arguments) argv.push_back(a.data());
    for (auto& t : texts) envp.push_back(t.data());
    argv.push_back(nullptr);
    envp.push_back(nullptr);
    int out[2], err[2];
    if (::pipe2(out, O_CLOEXEC) != 0 || ::pipe2(err, O_CLOEXEC) != 0) std::abort();
    pid_ = ::fork();
    if (pid_ == 0) {
        ::dup2(out[1], STDOUT_FILENO);
        ::dup2(err[1], STDERR_FILENO);
        ::execve(argv[0], argv.data(), envp.data());
        ::_exit(127);
    }
    ::close(out[1]);
    ::close(err[1]);
    out_ = out[0], err_ = err[0];
}

Program::~Program() {
    if (!over_) {
        ::kill(pid_, SIGKILL);
        wait();
    }
    ::close(out_);
    ::close(err_);
}

void Program::signal(int number) const { ::kill(pid_, number); }

bool Program::read_some() {
    pollfd polls[2] = {{out_, POLLIN, 0}, {err_, POLLIN, 0}};
    bool open = false;
    ::poll(polls, 2, -1);
    for (int i = 0; i < 2; ++i) {
        if (!(polls[i].revents & (POLLIN | POLLHUP))) {
            open = true;
            continue;
        }
        char buffer[4096];
        const auto got = ::read(polls[i].fd, buffer, sizeof buffer);
        if (got > 0) (i == 0 ? said_.out : said_.err).append(buffer, static_cast<std::size_t>(got));
        if (got > 0) open = true;
        if (got == 0) { // this stream is over: look at the other alone
            const int closed = polls[i].fd;
            pollfd other = {polls[1 - i].fd, POLLIN, 0};
            while (::poll(&other, 1, -1) > 0) {
                const auto more = ::read(other.fd, buffer, sizeof buffer);
                if (more <= 0) return false;
                (closed == out_ ? said_.err : said_.out).append(buffer, static_cast<std::size_t>(more));
            }
        }
    }
    return open;
}

Said Program::wait() {
    if (over_) return said_;
    while (read_some()) {
    }
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    said_.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    over_ = true;
    return said_;
}

bool Program::wait_for(const std::string& text) {
    while (said_.err.find(text) == std::string::npos && said_.out.find(text) == std::string::npos)
        if (!read_some()) return false;
    return true;
}

Said raymill(const std::vector<std::string>& words, const std::string& home, const std::map<std::string, std::string>& environment) {
    return Program(words, home, environment).wait();
}

std::vector<pid_t> processes_with(const std::string& word) {
    std::vector<pid_t> found;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
        const auto name = entry.path().filename().string();
        if (name.find_first_not_of("0123456789") != std::string::npos) continue;
        std::string line(65536,
                         '\0'); // by hand: a process may end between the listing and the reading, which streams take for an exception
        const int file = ::open((entry.path() / "cmdline").c_str(), O_RDONLY | O_CLOEXEC);
        const auto got = file >= 0 ? ::read(file, line.data(), line.size()) : -1;
        if (file >= 0) ::close(file);
        line.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
        if (line.find(word) != std::string::npos && std::stoi(name) != ::getpid()) found.push_back(std::stoi(name));
    }
    return found;
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) lines.push_back(line);
    return lines;
}

} // namespace raymill::test
