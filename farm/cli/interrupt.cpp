#include "farm/cli/interrupt.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <sys/eventfd.h>
#include <thread>
#include <unistd.h>

namespace raymill::cli {
namespace {

constexpr std::array signals = {SIGINT, SIGTERM, SIGHUP};
std::atomic<int> came = 0;
int wake = -1;
std::thread waiter;

// In a handler only what is async-signal-safe: an atomic and write().
void on_signal(int number) {
    const int saved = errno;
    came = number;
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto wrote = ::write(wake, &one, sizeof one);
    errno = saved;
}

} // namespace

Interrupt::Interrupt() {
    wake = ::eventfd(0, EFD_CLOEXEC);
    waiter = std::thread([this] {
        std::uint64_t count = 0;
        while (::read(wake, &count, sizeof count) < 0 && errno == EINTR) {
        }
        if (came != 0) source_.request_stop();
    });
    struct sigaction action {};
    action.sa_handler = on_signal;
    action.sa_flags = static_cast<int>(SA_RESETHAND); // the second one takes the default: the end
    sigemptyset(&action.sa_mask);
    for (const int number : signals) {
        struct sigaction before {};
        sigaction(number, nullptr, &before);
        if (before.sa_handler != SIG_IGN) sigaction(number, &action, nullptr); // nohup, or a shell's background job
    }
    ::signal(SIGPIPE, SIG_IGN);
}

Interrupt::~Interrupt() {
    for (const int number : signals) {
        struct sigaction before {};
        sigaction(number, nullptr, &before);
        if (before.sa_handler == on_signal) ::signal(number, SIG_DFL);
    }
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto wrote = ::write(wake, &one, sizeof one);
    waiter.join();
    ::close(wake);
    wake = -1;
}

int Interrupt::signal() { return came; }

void Interrupt::output_lost() {
    if (wake >= 0) on_signal(SIGPIPE);
}

} // namespace raymill::cli
