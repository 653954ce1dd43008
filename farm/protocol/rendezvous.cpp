#include "farm/protocol/rendezvous.hpp"

#include "farm/protocol/files.hpp"

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <pwd.h>
#include <sys/types.h>
#include <unistd.h>

namespace raymill::farm {
namespace {

using nlohmann::json;

std::filesystem::path variable(const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr ? value : "";
}

std::filesystem::path home() {
    if (const auto folder = variable("HOME"); !folder.empty()) return folder;
    const auto* user = ::getpwuid(::geteuid());
    return user != nullptr && user->pw_dir != nullptr ? user->pw_dir : "/";
}

std::filesystem::path run_folder() {
    if (const auto own = variable("RAYMILL_HOME"); !own.empty()) return own / "run";
    if (const auto runtime = variable("XDG_RUNTIME_DIR"); !runtime.empty()) return runtime / "raymill";
    return home() / ".local/state/raymill/run";
}

/// Start of a process in clock ticks since boot: with the pid it names one process for ever. 0 where there is none, or /proc is hidden.
std::uint64_t start_of(long pid) {
    const auto text = read_small_file("/proc/" + std::to_string(pid) + "/stat", 8192);
    if (!text) return 0;
    // Field 22; the name in field 2 may hold spaces and ends at the last ')'.
    const auto close = text->rfind(')');
    if (close == std::string::npos) return 0;
    std::size_t at = close;
    for (int field = 2; field < 22 && at != std::string::npos; ++field) at = text->find(' ', at + 1);
    return at == std::string::npos ? 0 : std::strtoull(text->c_str() + at, nullptr, 10);
}

std::filesystem::path file_of(const char* kind, const Address& address) {
    auto name = std::string(kind) + "-" + address.host + "-" + std::to_string(address.port) + ".json";
    for (auto& c : name)
        if (c == ':' || c == '/') c = '_';
    return run_folder() / name;
}

Status write(const std::filesystem::path& file, json body) {
    if (auto ok = make_private_folder(file.parent_path()); !ok) return ok;
    body["pid"] = ::getpid();
    body["start"] = start_of(::getpid());
    return write_private_file(file, body.dump());
}

std::optional<json> read(const std::filesystem::path& file) {
    const auto text = read_private_file(file, 4096);
    if (!text) return {};
    auto body = json::parse(*text, nullptr, false);
    if (!body.is_object() || !body.contains("pid") || !body["pid"].is_number_integer() || !body.contains("start") ||
        !body["start"].is_number_unsigned())
        return {};
    if (body["start"] != start_of(body["pid"].get<long>())) return {};
    return body;
}

std::string text_of(const json& body, const char* key) {
    return body.contains(key) && body[key].is_string() ? body[key].get<std::string>() : std::string();
}

void withdraw(const std::filesystem::path& file) {
    const auto body = read(file);
    if (body && (*body)["pid"] == ::getpid()) ::unlink(file.c_str());
}

} // namespace

std::filesystem::path default_data_folder() {
    if (const auto own = variable("RAYMILL_HOME"); !own.empty()) return own;
    return home() / ".local/share/raymill";
}

Status publish(const Address& http, const HttpDoor& door) { return write(file_of("http", http), {{"token", door.token}}); }

Status publish(const Address& workers, const WorkerDoor& door) {
    return write(file_of("workers", workers),
                 {{"server", door.server_key}, {"public", door.worker.public_key}, {"secret", door.worker.secret_key}});
}

void withdraw_http(const Address& http) { withdraw(file_of("http", http)); }
void withdraw_workers(const Address& workers) { withdraw(file_of("workers", workers)); }

std::optional<HttpDoor> find_http(const Address& http) {
    const auto body = read(file_of("http", http));
    if (!body || text_of(*body, "token").empty()) return {};
    return HttpDoor{text_of(*body, "token")};
}

std::optional<WorkerDoor> find_workers(const Address& workers) {
    const auto body = read(file_of("workers", workers));
    if (!body) return {};
    WorkerDoor door{text_of(*body, "server"), {text_of(*body, "public"), text_of(*body, "secret")}};
    if (!is_key(door.server_key) || !is_key(door.worker.public_key) || !is_key(door.worker.secret_key)) return {};
    return door;
}

} // namespace raymill::farm
