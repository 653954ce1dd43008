#pragma once
/// How clients and workers of the same user find a server on this machine without any key being set up by hand: `serve` leaves a file for
/// each loopback address it listens on, in a folder of the user's that nobody else can read; the others look the address up there. The
/// folder: $RAYMILL_HOME/run, else $XDG_RUNTIME_DIR/raymill, else ~/.local/state/raymill/run. Several servers at once have several files.
/// A file that a killed server left is not believed: it names its process and that process's start time.
#include "farm/protocol/address.hpp"
#include "farm/protocol/keys.hpp"

#include <filesystem>
#include <optional>

namespace raymill::farm {

/// What lies behind an HTTP address.
struct HttpDoor {
    std::string token; ///< bearer token of the user's own tenant
};

/// What lies behind the workers' address.
struct WorkerDoor {
    std::string server_key; ///< the server's public CURVE key
    KeyPair worker;         ///< a key pair that the server accepts
};

/// The user's folder for the data of servers and workers when none is given: $RAYMILL_HOME, else ~/.local/share/raymill.
std::filesystem::path default_data_folder();

Status publish(const Address& http, const HttpDoor& door);
Status publish(const Address& workers, const WorkerDoor& door);
/// Removes what this process published for the address.
void withdraw_http(const Address& http);
void withdraw_workers(const Address& workers);

/// None where nothing (that can be believed) is known about the address.
std::optional<HttpDoor> find_http(const Address& http);
std::optional<WorkerDoor> find_workers(const Address& workers);

} // namespace raymill::farm
