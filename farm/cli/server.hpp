#pragma once
/// The options that every command has, and the way to a server.
#include "farm/cli/arguments.hpp"
#include "farm/client/client.hpp"

#include <stop_token>

namespace raymill::cli {

/// --json and --quiet.
void add_manner(Arguments& arguments);

/// Which server, and who asks.
struct ServerOptions {
    std::string server, token, token_file, ca;
};
/// --server, --token, --token-file, --ca, --json and --quiet.
void add_server(Arguments& arguments, ServerOptions& options);

/// For commands that see a job to its end: its coordinator may be starting again just now.
inline constexpr farm::client::Patience to_the_end{std::chrono::seconds(15), std::chrono::seconds(60)};

/// The address by --server, else RAYMILL_SERVER, else this machine's; --ca or RAYMILL_CA with it.
Result<farm::client::ServerAddress> find_address(const ServerOptions& options);

/// Makes connections to one server; callable from any thread, as often as connections are needed.
class Server {
  public:
    Server() = default;
    Server(farm::client::ServerAddress address, farm::client::Credentials credentials, std::stop_token stop,
           farm::client::Patience patience = {})
        : address_(std::move(address)), credentials_(std::move(credentials)), stop_(std::move(stop)), patience_(patience) {}
    /// Address and token from the options, the environment, or the user's own server on this machine. Connects to nothing yet.
    static Result<Server> find(const ServerOptions& options, std::stop_token stop, farm::client::Patience patience = {});

    [[nodiscard]] farm::client::Http connect() const { return {address_, credentials_, patience_, stop_}; }
    [[nodiscard]] farm::client::Client client() const { return farm::client::Client(connect()); }
    [[nodiscard]] const std::stop_token& stop() const { return stop_; }

  private:
    farm::client::ServerAddress address_;
    farm::client::Credentials credentials_;
    std::stop_token stop_;
    farm::client::Patience patience_;
};

} // namespace raymill::cli
