#include "farm/cli/server.hpp"

#include "farm/cli/report.hpp"
#include "farm/client/token.hpp"
#include "farm/protocol/api.hpp"

#include <cstdlib>

namespace raymill::cli {

void add_manner(Arguments& arguments) {
    arguments.group("Common options");
    arguments.flag("--json", manner().json, "one JSON object a line on standard output");
    arguments.flag("--quiet", manner().quiet, "no progress, no notes");
}

void add_server(Arguments& arguments, ServerOptions& options) {
    add_manner(arguments);
    arguments.text("--server", options.server, "URL",
                   "http://HOST:PORT of the coordinator; else RAYMILL_SERVER, else http://127.0.0.1:8080");
    arguments.text("--token", options.token, "T",
                   "who asks; else RAYMILL_TOKEN, else --token-file; not needed for the user's own server on this machine");
    arguments.text("--token-file", options.token_file, "FILE",
                   "a file that only its owner can read, with the token; else RAYMILL_TOKEN_FILE");
}

Result<Server> Server::find(const ServerOptions& options, std::stop_token stop, farm::client::Patience patience) {
    std::string url = options.server;
    if (url.empty())
        if (const char* value = std::getenv("RAYMILL_SERVER")) url = value;
    if (url.empty()) url = "http://127.0.0.1:" + std::to_string(farm::default_http_port);
    const auto address = farm::client::parse_server(url);
    if (!address) return std::unexpected(address.error());
    auto credentials = farm::client::find_token(*address, {options.token, options.token_file});
    if (!credentials) return std::unexpected(credentials.error());
    return Server(*address, std::move(*credentials), std::move(stop), patience);
}

} // namespace raymill::cli
