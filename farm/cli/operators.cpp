#include "farm/cli/operators.hpp"

#include "farm/protocol/files.hpp"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

namespace raymill::cli {
namespace {

constexpr const char* here = "here";

Result<std::string> said(const farm::OperatorAnswer& answer) {
    if (answer.status < 400) return answer.body;
    return std::unexpected(farm::client::refusal({answer.status, answer.body}, ""));
}

} // namespace

void add_operators(Arguments& arguments, OperatorOptions& options) {
    arguments.text("--data", options.data, "DIR",
                   "a server's data folder on this machine, to work on directly; with or without a server running there");
    add_server(arguments, options.server);
}

Result<Operators> Operators::find(const OperatorOptions& options, std::stop_token stop) {
    Operators found;
    if (options.data.empty()) {
        const auto server = Server::find(options.server, std::move(stop));
        if (!server) return std::unexpected(server.error());
        found.client_ = std::make_unique<farm::client::Client>(server->connect());
        return found;
    }
    ::umask(077);
    if (auto ok = farm::make_private_folder(options.data); !ok) return std::unexpected(ok.error());
    auto& folder = found.folder_;
    auto access = farm::Access::open(options.data);
    if (!access) return std::unexpected(access.error());
    auto audit = farm::AuditLog::open(options.data);
    if (!audit) return std::unexpected(audit.error());
    folder.access = std::move(*access);
    folder.audit = std::move(*audit);
    folder.workers = std::make_unique<farm::WorkerKeys>(std::filesystem::path(options.data) / "worker_keys", "");
    folder.api = std::make_unique<farm::OperatorApi>(*folder.access, *folder.workers, *folder.audit, "");
    const auto* user = ::getpwuid(::geteuid());
    found.who_ = "user " + (user != nullptr ? std::string(user->pw_name) : std::to_string(::geteuid()));
    return found;
}

Result<std::string> Operators::tenants() { return client_ ? client_->tenants() : said(folder_.api->list_tenants()); }
Result<std::string> Operators::add_tenant(const std::string& name) {
    return client_ ? client_->add_tenant(name) : said(folder_.api->add_tenant(who_, here, "{\"name\":\"" + name + "\"}"));
}
Result<std::string> Operators::remove_tenant(const std::string& name) {
    return client_ ? client_->remove_tenant(name) : said(folder_.api->remove_tenant(who_, here, name));
}
Result<std::string> Operators::keys() { return client_ ? client_->keys() : said(folder_.api->list_keys()); }
Result<std::string> Operators::make_key(const std::string& json_wish) {
    return client_ ? client_->make_key(json_wish) : said(folder_.api->make_key(who_, here, json_wish));
}
Result<std::string> Operators::revoke_key(const std::string& id) {
    return client_ ? client_->revoke_key(id) : said(folder_.api->revoke_key(who_, here, id));
}
Result<std::string> Operators::audit(std::uint64_t after, std::size_t limit) {
    return client_ ? client_->audit(after, limit) : said(folder_.api->read_audit(after, limit));
}

} // namespace raymill::cli
