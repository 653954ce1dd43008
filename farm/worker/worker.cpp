#include "farm/worker/worker.hpp"

#include "farm/protocol/api.hpp"
#include "farm/protocol/files.hpp"
#include "farm/worker/sandbox.hpp"
#include "farm/worker/supervisor.hpp"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

namespace raymill::farm {
namespace {

std::atomic<int> stop_event = -1;

void on_signal(int) {
    const std::uint64_t one = 1;
    if (const int fd = stop_event.load(); fd >= 0) {
        [[maybe_unused]] const auto wrote = ::write(fd, &one, sizeof one);
    }
}

/// The worker's name on the farm: the host's and six random digits, chosen once.
Result<std::string> worker_name(const std::filesystem::path& data) {
    std::error_code error;
    if (const auto file = data / "name"; std::filesystem::exists(file, error)) {
        auto name = read_private_file(file, 256);
        if (!name) return std::unexpected(name.error());
        return name->substr(0, name->find('\n'));
    }
    char host[64] = {};
    if (::gethostname(host, sizeof host - 1) != 0) host[0] = 0;
    std::string name;
    for (const char c : std::string_view(host))
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.') name.push_back(c);
    name = (name.empty() ? "worker" : name) + "-" + random_hex(3);
    if (auto ok = write_private_file(data / "name", name + "\n"); !ok) return std::unexpected(ok.error());
    return name;
}

} // namespace

Status work(const WorkerOptions& options) {
    if (auto ok = check_messaging(); !ok) return ok;
    const auto address = parse_address(options.connect, default_worker_port);
    if (!address) return std::unexpected(address.error().within("--connect"));
    if (address->port == 0) return fail(Code::usage, "--connect", "a worker needs the server's port");
    ::umask(077);
    const auto data = std::filesystem::absolute(options.data.empty() ? default_data_folder() / "worker" : options.data);
    if (auto ok = make_private_folder(data); !ok) return ok;
    const auto lock = FolderLock::take(data);
    if (!lock) return std::unexpected(lock.error());
    const auto name = worker_name(data);
    if (!name) return std::unexpected(name.error());
    std::error_code error;
    if (!address->loopback()) {
        const auto own = load_or_make_keys(data / "worker.key");
        if (!own) return std::unexpected(own.error());
        if (auto ok = write_private_file(data / "worker.pub", own->public_key + "\n"); !ok) return ok;
        if (!std::filesystem::exists(data / "server.pub", error))
            return fail(Code::refused, "--connect " + address->text(),
                        "a server on another host is believed by its key: copy its server.pub into " + data.string() +
                            ", and add this worker's key to its worker_keys: " + own->public_key);
    }
    if (options.sandbox == WorkerOptions::Sandbox::off) {
        std::fprintf(stderr,
                     "raymill worker: render processes run without a sandbox (--sandbox off): render nobody's scenes but your own\n");
    } else {
        const auto held = probe_sandbox();
        std::fprintf(stderr, "raymill worker: %s\n", held.text().c_str());
        if (options.sandbox == WorkerOptions::Sandbox::required && !held.all())
            return fail(Code::unsupported, "--sandbox required", "not all protections hold on this host (above)");
    }
    const int stop = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (stop < 0) return fail(Code::io, "worker", "no eventfd: " + errno_text());
    stop_event = stop;
    struct sigaction action {};
    action.sa_handler = on_signal;
    ::sigaction(SIGTERM, &action, nullptr);
    ::sigaction(SIGINT, &action, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
    Status outcome;
    if (auto supervisor = Supervisor::make(options, data, *address, *name))
        outcome = (*supervisor)->run(stop);
    else
        outcome = std::unexpected(supervisor.error());
    stop_event = -1;
    ::close(stop);
    return outcome;
}

} // namespace raymill::farm
