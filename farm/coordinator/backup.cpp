#include "farm/coordinator/backup.hpp"

#include "farm/ledger/ledger.hpp"
#include "farm/protocol/files.hpp"

namespace raymill::farm {
namespace {

namespace fs = std::filesystem;

/// Copies a file or folder with all below it, but for what comes and goes. A file that vanishes meanwhile was rubbish, or a pack whose
/// blobs are in a later one.
Status copy(const fs::path& from, const fs::path& to, BackupResult& result) {
    std::error_code error;
    const auto kind = fs::symlink_status(from, error).type();
    if (kind == fs::file_type::directory) {
        if (from.filename() == "new") return {}; // results on their way in
        if (auto ok = make_private_folder(to); !ok) return ok;
        for (const auto& entry : fs::directory_iterator(from, error))
            if (auto ok = copy(entry.path(), to / entry.path().filename(), result); !ok) return ok;
        if (error) return fail(Code::io, from.string(), "cannot be read: " + error.message());
        return sync_path(to);
    }
    if (kind != fs::file_type::regular) return {};
    fs::copy_file(from, to, error);
    if (error == std::errc::no_such_file_or_directory) return {};
    if (error) return fail(Code::io, to.string(), "cannot be written: " + error.message());
    ++result.files;
    result.bytes += fs::file_size(to, error);
    return sync_path(to);
}

} // namespace

Result<BackupResult> back_up(const fs::path& data, const fs::path& to) {
    std::error_code error;
    if (fs::exists(to, error)) return fail(Code::usage, to.string(), "is there already; a backup goes to a new place");
    if (!fs::exists(data / "ledger.db", error)) return fail(Code::usage, data.string(), "is no coordinator's folder: it has no ledger.db");
    auto partial = to;
    partial += ".partial";
    fs::remove_all(partial, error);
    if (auto ok = make_private_folder(partial); !ok) return std::unexpected(ok.error());
    if (auto ok = back_up_sqlite_ledger(data / "ledger.db", partial / "ledger.db"); !ok) return std::unexpected(ok.error());
    BackupResult result{1, fs::file_size(partial / "ledger.db", error)};
    for (const auto& entry : fs::directory_iterator(data, error)) {
        const auto name = entry.path().filename().string();
        if (name.starts_with("ledger.db") || name == "lock" || name.ends_with(".tmp")) continue;
        if (auto ok = copy(entry.path(), partial / name, result); !ok) return std::unexpected(ok.error());
    }
    if (error) return fail(Code::io, data.string(), "cannot be read: " + error.message());
    if (auto ok = sync_path(partial); !ok) return std::unexpected(ok.error());
    fs::rename(partial, to, error);
    if (error) return fail(Code::io, to.string(), "cannot be put in place: " + error.message());
    const auto above = to.has_parent_path() ? to.parent_path() : fs::path(".");
    if (auto ok = sync_path(above); !ok) return std::unexpected(ok.error());
    return result;
}

} // namespace raymill::farm
