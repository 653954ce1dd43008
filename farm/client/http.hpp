#pragma once
/// farm/client: the C++ client of the HTTP API (farm/protocol/api.hpp). May include farm/protocol and renderer/base; farm/cli calls it.
/// httplib is seen in http.cpp only. Whatever a server answers is untrusted: sizes are bounded, types are checked, nothing throws.
/// The namespace is its own since the coordinator, in the same binary, has types of the same names.
/// This file: one keep-alive connection and its patience with a server that is away. One Http is used by one thread at a time.
#include "renderer/base/error.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

namespace raymill::farm::client {

struct ServerAddress {
    bool tls = false;
    std::string host; ///< a name or an address, IPv6 without brackets
    unsigned port = 0;
    std::string
        fingerprint{}; ///< SHA-256 of the certificate to believe, and no other; empty: one that `ca` or this host's authorities signed
    std::string ca{};  ///< PEM file of authorities instead of this host's

    [[nodiscard]] std::string url() const; ///< without the fingerprint
};

/// "http://HOST[:PORT]" or "https://HOST[:PORT]", the latter perhaps with "#sha256:HEX" as `serve` prints it where its certificate is its
/// own; without a port 80 or 443. Code::usage where it is anything else.
Result<ServerAddress> parse_server(std::string_view url);

struct Response {
    int status = 0;
    std::string body;
};

/// Who asks.
struct Credentials {
    std::string token; ///< bearer token; empty: none known
    /// Where the server may yet leave a token (the user's own on this machine, which does so as it starts; that may be after we do): asked
    /// again while none is known or the known one is refused. May be empty; called from any thread.
    std::function<std::string()> look_again;
};

/// How long a request is tried again while the server is away or says "not now" (429, 503). Every request of the API may be sent twice.
struct Patience {
    std::chrono::milliseconds first{1500};  ///< before this connection ever had an answer: a wrong address should be said soon
    std::chrono::milliseconds later{60000}; ///< after it had: a coordinator that restarts
};

class Http {
  public:
    /// `stop` ends a request under way and all waiting; requests then fail with Code::failed, "interrupted".
    Http(ServerAddress server, Credentials credentials, Patience patience, std::stop_token stop);
    ~Http();
    Http(Http&&) noexcept;
    Http& operator=(Http&&) noexcept;

    [[nodiscard]] const ServerAddress& server() const;

    /// Sends until an answer other than 429 and 503 comes, or the patience ends. Failures of the API are answers (see refusal()).
    Result<Response> get(const std::string& path, std::chrono::seconds server_waits = {});
    Result<Response> post(const std::string& path, const std::string& json);
    Result<Response> del(const std::string& path);

    /// One try each, for callers that know better what to do next. 429 and 503 are answers here.
    Result<Response> put_once(const std::string& path, std::string body);
    /// The body of `path` from byte `offset` on, piece by piece into `take` (false ends it). The Response's body is set for failures only.
    Result<Response> download_once(const std::string& path, std::uint64_t offset, const std::function<bool(std::string_view)>& take);

    /// Waits before another try, the longer the more `tries` there were; false at once where the patience that began at `since` ran out, or
    /// stopped.
    bool back_off(unsigned tries, std::chrono::steady_clock::time_point since);
    [[nodiscard]] bool stopped() const;
    [[nodiscard]] Error interrupted() const;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

/// A failure's answer as an error: `where` says what was asked for. 400 keeps the server's code; 401 to 429 are Code::refused; others
/// Code::unreachable.
Error refusal(const Response& response, const std::string& where);

} // namespace raymill::farm::client
