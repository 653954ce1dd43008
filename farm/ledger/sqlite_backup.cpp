// A copy of a ledger that is being written.
#include "farm/ledger/ledger.hpp"
#include "farm/ledger/sqlite_parts.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace raymill::farm {

Status back_up_sqlite_ledger(const std::filesystem::path& from, const std::filesystem::path& to) {
    std::error_code error;
    if (!std::filesystem::is_regular_file(from, error)) return fail(Code::usage, from.string(), "there is no ledger");
    if (std::filesystem::exists(to, error)) return fail(Code::usage, to.string(), "is there already; a backup goes to a new place");
    sqlite3* raw = nullptr;
    const int code = sqlite3_open_v2(from.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
    const Connection db(raw);
    if (code != SQLITE_OK) return sql_error(raw, "opening it for a backup");
    sqlite3_busy_timeout(raw, 10000);
    // VACUUM INTO reads in one transaction, so the copy is of one moment, and it waits for nobody: in WAL mode readers do not.
    Statement copy;
    if (auto ok = copy.prepare(raw, "VACUUM INTO ?"); !ok) return ok;
    const auto name = to.string();
    if (auto ok = copy.bind(name).run(); !ok) return ok;
    ::chmod(to.c_str(), 0600);
    const int fd = ::open(to.c_str(), O_RDONLY | O_CLOEXEC);
    const bool synced = fd >= 0 && ::fsync(fd) == 0;
    if (fd >= 0) ::close(fd);
    if (!synced) return fail(Code::io, to.string(), std::string("fsync failed: ") + std::strerror(errno));
    return {};
}

} // namespace raymill::farm
