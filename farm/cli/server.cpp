#include "farm/cli/server.hpp"

#include "farm/cli/report.hpp"
#include "farm/client/token.hpp"
#include "farm/protocol/api.hpp"

#include <cstdlib>
#include <unistd.h>

namespace raymill::cli {

void add_manner(Arguments& arguments) {
    arguments.group("Common options");
    arguments.flag("--json", manner().json, "one JSON object a line on standard output");
    arguments.flag("--quiet", manner().quiet, "no progress, no notes");
}

void add_server(Arguments& arguments, ServerOptions& options) {
    add_manner(arguments);
    arguments.text("--server", options.server, "URL",
                   "http://HOST:PORT or https://HOST:PORT of the coordinator, as serve prints it; else RAYMILL_SERVER, else "
                   "http://127.0.0.1:8080");
    arguments.text("--token", options.token, "T",
                   "who asks; else RAYMILL_TOKEN, else --token-file; not needed for the user's own server on this machine");
    arguments.text("--token-file", options.token_file, "FILE",
                   "a file that only its owner can read, with the token; else RAYMILL_TOKEN_FILE");
    arguments.text("--ca", options.ca, "FILE",
                   "who may have signed the server's certificate (PEM); else RAYMILL_CA, else this host's authorities");
}

Result<farm::client::ServerAddress> find_address(const ServerOptions& options) {
    const auto variable = [](const char* name) {
        const char* value = std::getenv(name);
        return std::string(value != nullptr ? value : "");
    };
    auto url = options.server.empty() ? variable("RAYMILL_SERVER") : options.server;
    if (url.empty()) url = "http://127.0.0.1:" + std::to_string(farm::default_http_port);
    auto address = farm::client::parse_server(url);
    if (!address) return address;
    address->ca = options.ca.empty() ? variable("RAYMILL_CA") : options.ca;
    if (!address->ca.empty() && ::access(address->ca.c_str(), R_OK) != 0)
        return fail(Code::usage, options.ca.empty() ? "RAYMILL_CA" : "--ca", address->ca + " cannot be read");
    return address;
}

Result<Server> Server::find(const ServerOptions& options, std::stop_token stop, farm::client::Patience patience) {
    const auto address = find_address(options);
    if (!address) return std::unexpected(address.error());
    auto credentials = farm::client::find_token(*address, {options.token, options.token_file});
    if (!credentials) return std::unexpected(credentials.error());
    return Server(*address, std::move(*credentials), std::move(stop), patience);
}

} // namespace raymill::cli
