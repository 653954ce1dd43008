#pragma once
/// What somebody who has taken over a render process would try. Each line says what came of it: "NAME: done" or "NAME: refused".
#include <arpa/inet.h>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <fstream>
#include <netinet/in.h>
#include <sched.h>
#include <string>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace raymill::farm {

/// `secret`: a file outside of what it may read, in a folder outside of what it may write; `port`: a TCP port of loopback that listens.
inline std::vector<std::string> try_escapes(const std::string& secret, int port) {
    std::vector<std::string> lines;
    const auto say = [&](const char* name, bool done) { lines.push_back(std::string(name) + (done ? ": done" : ": refused")); };
    const auto opens = [](const std::string& path, int flags) {
        const int fd = ::open(path.c_str(), flags | O_CLOEXEC, 0600);
        if (fd >= 0) ::close(fd);
        return fd >= 0;
    };
    say("read a file of the worker's", opens(secret, O_RDONLY));
    say("write beside it", opens(secret + ".new", O_WRONLY | O_CREAT));
    say("list its folder", opens(secret.substr(0, secret.rfind('/')), O_RDONLY | O_DIRECTORY));
    say("read the users of this host", opens("/etc/passwd", O_RDONLY));
    say("write to /tmp", opens("/tmp/raymill-escape-" + std::to_string(::getpid()), O_WRONLY | O_CREAT));
    ::unlink(("/tmp/raymill-escape-" + std::to_string(::getpid())).c_str());
    say("write where programs are", ::access("/usr/bin", W_OK) == 0 && opens("/usr/bin/raymill-escape", O_WRONLY | O_CREAT));
    ::unlink("/usr/bin/raymill-escape");
    say("link it into its own folder", ::link(secret.c_str(), "stolen") == 0 && opens("stolen", O_RDONLY));
    say("read the supervisor's memory", opens("/proc/" + std::to_string(::getppid()) + "/mem", O_RDONLY));
    say("read the supervisor's environment", opens("/proc/" + std::to_string(::getppid()) + "/environ", O_RDONLY));

    const int tcp = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    say("make an Internet socket", tcp >= 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    say("connect to this host", tcp >= 0 && ::connect(tcp, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    if (tcp >= 0) ::close(tcp);
    const int local = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    say("make a local socket", local >= 0);
    if (local >= 0) ::close(local);

    const auto child = ::fork();
    if (child == 0) ::_exit(0);
    if (child > 0) ::waitpid(child, nullptr, 0);
    say("make a process", child > 0);
    const auto program = ::vfork();
    if (program == 0) {
        ::execl("/bin/true", "true", nullptr);
        ::_exit(1);
    }
    int status = 1;
    if (program > 0) ::waitpid(program, &status, 0);
    say("start a program", program > 0 && status == 0);
    say("signal the supervisor", ::kill(::getppid(), 0) == 0);
    say("trace the supervisor", ::ptrace(PTRACE_ATTACH, ::getppid(), nullptr, nullptr) == 0);
    say("make a namespace", ::unshare(CLONE_NEWUSER) == 0);
    say("mount", ::mount("none", "/tmp", "tmpfs", 0, nullptr) == 0);
    say("use io_uring", ::syscall(SYS_io_uring_setup, 1, nullptr) >= 0 || errno == EFAULT);
    say("use another's keys", ::syscall(SYS_keyctl, 0, -4, 0) >= 0);
    return lines;
}

} // namespace raymill::farm
