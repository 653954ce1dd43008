#pragma once
/// farm/coordinator: the shell round the scheduling core: ZeroMQ to workers, HTTP to people, the ledger and the store in one folder. May
/// include scheduler, ledger, store, protocol, web and renderer/base; farm/cli calls it. This file: the coordinator as a whole.
///
/// The data folder (its owner's alone):
///   ledger.db     all state: after a kill at any moment, serve() on the same folder goes on with every job
///   store/        blobs by tenant and hash
///   server.key    the server's CURVE key pair; server.pub its public half, to be copied to workers on other hosts
///   worker_keys   public keys of workers on other hosts, one a line, words after it are remarks; read again whenever it changes
///   local_worker.key  the pair that workers of the same user on this machine use; accepted only while listening on loopback
///   access.json   tenants and keys, by the hash of their tokens (access.hpp); `raymill tenant` and `raymill key` write it
///   local.token   the bearer token of this user's own clients on this machine: tenant "local", who runs the farm too; likewise on loopback
///   only server.crt, server.tls-key   the certificate for HTTPS that the server made for itself, where it needs one and was given none
///   audit.jsonl   who did what, and who was refused (audit.hpp); full files are audit-*.jsonl
/// On loopback clients and workers of the same user find what they need by the address (rendezvous.hpp). On any other address serve()
/// refuses to start until there are keys for the door in question, and HTTP is TLS: nobody gets in, and nothing is overheard, by default.
/// What workers say is always encrypted.
#include "renderer/base/error.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

namespace raymill::farm {

struct ServeAddresses {
    std::string http;    ///< "http://127.0.0.1:8080": as it can be typed, with the port that was taken; "https://...#sha256:HEX" where the
                         ///< certificate is the server's own
    std::string workers; ///< "tcp://127.0.0.1:8081"
};

struct ServeOptions {
    std::filesystem::path data;                         ///< empty: the user's data folder
    std::string http = "127.0.0.1:8080";                ///< port 0: a free one
    std::string workers_at = "tcp://127.0.0.1:8081";    ///< control; data goes over the next port (port 0: two free ones)
    std::filesystem::path tls_certificate{}, tls_key{}; ///< PEM; empty: the server's own certificate beyond loopback, plain HTTP on it
    bool plain_http = false;                            ///< no TLS beyond loopback either: something in front of it does that
    std::uint32_t lease_ms = 13000; ///< without a heartbeat for so long a worker is taken for lost, so that its tiles are out again within
                                    ///< 15 s; heartbeats come seven times as often
    std::function<void(const ServeAddresses&)>
        on_ready; ///< called once both doors are open; empty: one line on standard output, ready_line()
};

/// "raymill: serving http://127.0.0.1:8080, workers at tcp://127.0.0.1:8081"
std::string ready_line(const ServeAddresses& addresses);
/// Reads such a line; false where it is none.
bool parse_ready_line(const std::string& line, ServeAddresses& addresses);

/// Serves until SIGTERM or SIGINT (one process at a time may call it, once, from its main thread), or until the disk fails.
Status serve(const ServeOptions& options);

} // namespace raymill::farm
