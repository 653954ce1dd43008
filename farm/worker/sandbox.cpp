#include "farm/worker/sandbox.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <fcntl.h>
#include <initializer_list>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <linux/sched.h>
#include <sched.h>
#include <seccomp.h>
#include <sstream>
#include <string_view>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace raymill::farm {
namespace {

// Debian 12's header knows Landlock up to version 2; later ones by the kernel's documentation (userspace-api/landlock).
constexpr std::uint64_t access_truncate = 1ull << 14, access_ioctl_dev = 1ull << 15; // versions 3 and 5
constexpr std::uint64_t net_bind_tcp = 1, net_connect_tcp = 2;                       // 4
constexpr std::uint64_t scope_abstract_unix = 1, scope_signal = 2;                   // 6
struct Ruleset {
    std::uint64_t files = 0, net = 0, scoped = 0;
};
constexpr std::uint64_t read_rights = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
constexpr std::uint64_t write_rights = read_rights | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
                                       LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
                                       LANDLOCK_ACCESS_FS_REFER | access_truncate;
constexpr std::uint64_t device_rights = read_rights | LANDLOCK_ACCESS_FS_WRITE_FILE | access_ioctl_dev;
constexpr std::uint64_t file_rights = // what a rule for a single file may hold
    LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | access_truncate | access_ioctl_dev;

// A sanitizer's leak check at the end of a process is a child that looks into it by ptrace.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif

std::filesystem::path variable(const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr ? value : "";
}

void allow(int ruleset, std::uint64_t handled, const std::filesystem::path& path, std::uint64_t rights) {
    if (path.empty()) return;
    const int fd = ::open(path.c_str(), O_PATH | O_CLOEXEC);
    if (fd < 0) return; // what is not there needs no right
    struct stat info {};
    if (::fstat(fd, &info) == 0) {
        if (!S_ISDIR(info.st_mode)) rights &= file_rights;
        const landlock_path_beneath_attr rule{.allowed_access = rights & handled, .parent_fd = fd};
        ::syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    }
    ::close(fd);
}

/// Drivers, their descriptions and what they ask of the host; never /home, /tmp, /run, or the worker's own folder.
void allow_system(int ruleset, std::uint64_t handled) {
    for (const char* path :
         {"/usr",          "/lib",          "/lib64",     "/opt",           "/etc/ld.so.cache", "/etc/ld.so.conf",   "/etc/ld.so.conf.d",
          "/etc/vulkan",   "/etc/glvnd",    "/etc/drirc", "/etc/localtime", "/etc/nvidia",      "/etc/alternatives", "/proc/self",
          "/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/version",  "/proc/sys/vm",     "/proc/modules",     "/proc/devices",
          "/proc/driver",  "/sys"})
        allow(ruleset, handled, path, read_rights);
    for (const char* path : {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/dri", "/dev/kfd", "/dev/nvidiactl",
                             "/dev/nvidia-modeset", "/dev/nvidia-uvm", "/dev/nvidia-uvm-tools", "/dev/nvidia-caps"})
        allow(ruleset, handled, path, device_rights);
    for (int card = 0; card < 64; ++card) allow(ruleset, handled, "/dev/nvidia" + std::to_string(card), device_rights);
    for (const char* name : {"VK_ICD_FILENAMES", "VK_DRIVER_FILES", "VK_ADD_DRIVER_FILES", "VK_LAYER_PATH", "LD_LIBRARY_PATH"}) {
        std::istringstream paths(variable(name).string());
        for (std::string path; std::getline(paths, path, ':');) allow(ruleset, handled, path, read_rights);
    }
}

int confine_files(const SandboxPlan& plan) {
    const auto version = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (version < 1) return 0;
    Ruleset rules{.files = (1ull << 13) - 1}; // all of version 1
    if (version >= 2) rules.files |= LANDLOCK_ACCESS_FS_REFER;
    if (version >= 3) rules.files |= access_truncate;
    if (version >= 4) rules.net = net_bind_tcp | net_connect_tcp;
    if (version >= 5) rules.files |= access_ioctl_dev;
    if (version >= 6) rules.scoped = scope_abstract_unix | scope_signal;
    const std::size_t size = version >= 6 ? sizeof rules : version >= 4 ? 2 * sizeof(std::uint64_t) : sizeof(std::uint64_t);
    const int ruleset = static_cast<int>(::syscall(SYS_landlock_create_ruleset, &rules, size, 0));
    if (ruleset < 0) return 0;
    allow_system(ruleset, rules.files);
    for (const auto& path : plan.read) allow(ruleset, rules.files, path, read_rights);
    for (const auto& path : plan.write) allow(ruleset, rules.files, path, write_rights);
    // What drivers compiled is kept between processes; made here, since afterwards their parents cannot be written.
    auto cache = variable("XDG_CACHE_HOME");
    const auto home = variable("HOME");
    if (cache.empty() && !home.empty()) cache = home / ".cache";
    if (!cache.empty()) {
        std::error_code ignored;
        std::filesystem::create_directories(cache / "raymill", ignored);
        allow(ruleset, rules.files, cache / "raymill", write_rights);
    }
    allow(ruleset, rules.files, variable("MESA_SHADER_CACHE_DIR"), write_rights);
    if (!home.empty()) allow(ruleset, rules.files, home / ".nv", write_rights);
    const bool done = ::syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
    ::close(ruleset);
    return done ? static_cast<int>(version) : 0;
}

/// What a renderer and its drivers have no use for, and an intruder has. A list of what is allowed would break with each new driver; the
/// filter stands behind Landlock and an empty network, not instead of them.
bool forbid_calls() {
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    if (filter == nullptr) return false;
    bool good = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1) == 0;
    const auto deny = [&](int call) { good = good && seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), call, 0) == 0; };
    for (const int call : {SCMP_SYS(execve),
                           SCMP_SYS(execveat),
                           SCMP_SYS(fork),
                           SCMP_SYS(vfork),
                           SCMP_SYS(socket),
                           SCMP_SYS(socketpair),
                           SCMP_SYS(bind),
                           SCMP_SYS(connect),
                           SCMP_SYS(listen),
                           SCMP_SYS(accept),
                           SCMP_SYS(accept4),
                           SCMP_SYS(sendmmsg),
                           SCMP_SYS(process_vm_readv),
                           SCMP_SYS(process_vm_writev),
                           SCMP_SYS(process_madvise),
                           SCMP_SYS(kill),
                           SCMP_SYS(tkill),
                           SCMP_SYS(rt_sigqueueinfo),
                           SCMP_SYS(rt_tgsigqueueinfo),
                           SCMP_SYS(pidfd_open),
                           SCMP_SYS(pidfd_getfd),
                           SCMP_SYS(pidfd_send_signal),
                           SCMP_SYS(kcmp),
                           SCMP_SYS(unshare),
                           SCMP_SYS(setns),
                           SCMP_SYS(mount),
                           SCMP_SYS(umount2),
                           SCMP_SYS(pivot_root),
                           SCMP_SYS(chroot),
                           SCMP_SYS(fsopen),
                           SCMP_SYS(fsmount),
                           SCMP_SYS(fsconfig),
                           SCMP_SYS(fspick),
                           SCMP_SYS(open_tree),
                           SCMP_SYS(move_mount),
                           SCMP_SYS(mount_setattr),
                           SCMP_SYS(name_to_handle_at),
                           SCMP_SYS(open_by_handle_at),
                           SCMP_SYS(mknod),
                           SCMP_SYS(mknodat),
                           SCMP_SYS(add_key),
                           SCMP_SYS(request_key),
                           SCMP_SYS(keyctl),
                           SCMP_SYS(bpf),
                           SCMP_SYS(perf_event_open),
                           SCMP_SYS(userfaultfd),
                           SCMP_SYS(io_uring_setup),
                           SCMP_SYS(io_uring_enter),
                           SCMP_SYS(io_uring_register),
                           SCMP_SYS(init_module),
                           SCMP_SYS(finit_module),
                           SCMP_SYS(delete_module),
                           SCMP_SYS(kexec_load),
                           SCMP_SYS(kexec_file_load),
                           SCMP_SYS(reboot),
                           SCMP_SYS(swapon),
                           SCMP_SYS(swapoff),
                           SCMP_SYS(acct),
                           SCMP_SYS(quotactl),
                           SCMP_SYS(settimeofday),
                           SCMP_SYS(clock_settime),
                           SCMP_SYS(clock_adjtime),
                           SCMP_SYS(adjtimex),
                           SCMP_SYS(sethostname),
                           SCMP_SYS(setdomainname),
                           SCMP_SYS(setuid),
                           SCMP_SYS(setgid),
                           SCMP_SYS(setreuid),
                           SCMP_SYS(setregid),
                           SCMP_SYS(setresuid),
                           SCMP_SYS(setresgid),
                           SCMP_SYS(setgroups),
                           SCMP_SYS(setfsuid),
                           SCMP_SYS(setfsgid),
                           SCMP_SYS(iopl),
                           SCMP_SYS(ioperm),
                           SCMP_SYS(syslog),
                           SCMP_SYS(vhangup),
                           SCMP_SYS(lookup_dcookie),
                           SCMP_SYS(fanotify_init),
                           SCMP_SYS(nfsservctl),
                           SCMP_SYS(uselib),
                           SCMP_SYS(modify_ldt),
                           SCMP_SYS(memfd_secret),
                           SCMP_SYS(mq_open),
                           SCMP_SYS(msgget),
                           SCMP_SYS(semget),
                           SCMP_SYS(shmget)})
        deny(call);
    // send() is sendto without an address: how it answers its supervisor.
    good = good && seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(sendto), 1, SCMP_A4(SCMP_CMP_NE, 0)) == 0;
    if (!sanitized) {
        deny(SCMP_SYS(ptrace));
        // Threads, but no processes; clone3 hides its flags behind a pointer, and the C library takes clone where it is not there.
        good =
            good && seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1, SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0)) == 0;
        good = good && seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0) == 0;
    }
    good = good && seccomp_load(filter) == 0;
    seccomp_release(filter);
    return good;
}

/// Root in a user namespace, or root itself, is then a user like any other who happens to own root's files.
bool drop_capabilities() {
    ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    for (int capability = 0; capability < 64; ++capability) ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
    __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    std::array<__user_cap_data_struct, 2> none{}, left{};
    if (::syscall(SYS_capset, &header, none.data()) != 0 || ::syscall(SYS_capget, &header, left.data()) != 0) return false;
    return left[0].permitted == 0 && left[1].permitted == 0 && left[0].effective == 0 && left[1].effective == 0;
}

/// Only the loopback interface, as a fresh network namespace has it.
bool has_empty_network() {
    const int fd = ::open("/proc/self/net/dev", O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    std::string text(65536, '\0');
    const auto got = ::read(fd, text.data(), text.size());
    ::close(fd);
    if (got <= 0) return false;
    text.resize(static_cast<std::size_t>(got));
    std::istringstream lines(text);
    int others = 0;
    for (std::string line; std::getline(lines, line);)
        if (const auto colon = line.find(':'); colon != std::string::npos && line.substr(0, colon).find("lo") == std::string::npos)
            ++others;
    return others == 0;
}

} // namespace

std::string to_text(const SandboxPlan& plan) {
    std::string text;
    for (const auto& path : plan.read) text += "r" + path.string() + "\n";
    for (const auto& path : plan.write) text += "w" + path.string() + "\n";
    return text;
}

SandboxPlan plan_of(const std::string& text) {
    SandboxPlan plan;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);)
        if (line.size() > 1 && (line[0] == 'r' || line[0] == 'w')) (line[0] == 'r' ? plan.read : plan.write).emplace_back(line.substr(1));
    return plan;
}

std::string Protections::text() const {
    std::string words = "render processes run ";
    words += network ? "without a network" : "WITH this host's network (no namespaces here)";
    words += landlock > 0 ? ", confined to their files (Landlock " + std::to_string(landlock) + ")"
                          : ", NOT confined to their files (no Landlock here)";
    words += calls ? ", with system calls filtered (seccomp)" : ", with NO filter of system calls (no seccomp here)";
    words += capabilities ? ", without capabilities" : ", WITH capabilities that could not be dropped";
    return words;
}

Protections enter_sandbox(const SandboxPlan& plan) {
    Protections held;
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    const bool empty_network = has_empty_network();
    held.capabilities = drop_capabilities();
    held.landlock = confine_files(plan);
    held.calls = forbid_calls();
    held.network = empty_network || held.calls;
    return held;
}

Protections probe_sandbox() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return {};
    const auto pid = ::fork();
    if (pid == 0) {
        // As RenderChild starts one. The supervisor has other threads only later: this runs before it makes its sockets.
        [[maybe_unused]] const auto own_network = ::unshare(CLONE_NEWUSER | CLONE_NEWNET);
        const auto held = enter_sandbox({});
        [[maybe_unused]] const auto wrote = ::write(ends[1], &held, sizeof held);
        ::_exit(0);
    }
    ::close(ends[1]);
    Protections held;
    if (::read(ends[0], &held, sizeof held) != static_cast<ssize_t>(sizeof held)) held = {};
    ::close(ends[0]);
    if (pid > 0) ::waitpid(pid, nullptr, 0);
    return held;
}

} // namespace raymill::farm
