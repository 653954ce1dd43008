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
    std::string server, token, token_file;
};
/// --server, --token, --token-file, --json and --quiet.
void add_server(Arguments& arguments, ServerOptions& options);

/// Makes connections to one server; callable from any thread, as often as connections are needed.
class Server {
  public:
    Server() = default;
    Server(farm::client::ServerAddress address, std::string token, std::stop_token stop)
        : address_(std::move(address)), token_(std::move(token)), stop_(std::move(stop)) {}
    /// Address and token from the options, the environment, or the user's own server on this machine. Connects to nothing yet.
    static Result<Server> find(const ServerOptions& options, std::stop_token stop);

    [[nodiscard]] farm::client::Http connect() const { return {address_, token_, farm::client::Patience{}, stop_}; }
    [[nodiscard]] farm::client::Client client() const { return farm::client::Client(connect()); }
    [[nodiscard]] const std::stop_token& stop() const { return stop_; }

  private:
    farm::client::ServerAddress address_;
    std::string token_;
    std::stop_token stop_;
};

} // namespace raymill::cli
