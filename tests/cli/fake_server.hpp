#pragma once
// A farm that is only its HTTP door, in this process: enough of farm/protocol/api.hpp for the client, with the faults of real networks.
#include "farm/client/http.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace raymill::test {

struct Put {
    std::uint64_t offset = 0, arrived = 0; ///< bytes
    int status = 0;                        ///< 0: the connection broke
};

class FakeServer {
  public:
    FakeServer();
    ~FakeServer();

    [[nodiscard]] farm::client::ServerAddress address() const;

    // What the server has; guarded by `mutex`.
    std::mutex mutex;
    std::map<std::string, std::string> blobs;  ///< by hash, whole
    std::map<std::string, std::string> halves; ///< by hash, not whole yet
    std::map<std::string, std::vector<Put>> puts;
    std::map<std::string, std::string> files;                   ///< answers to GET, by path
    std::map<std::string, int> requests;                        ///< by "METHOD path-without-query"
    std::string token;                                          ///< asked for where not empty
    int busy = 0;                                               ///< answers this many requests with 503 first
    std::function<std::string(const std::string& path)> on_get; ///< JSON answers; "" is 404
    std::function<std::string(const std::string& path, const std::string& body)> on_post;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

/// Sits before a server and breaks connections: connection number n is cut after cuts[n] bytes from the client (or from the server), 0 for
/// never.
class CuttingProxy {
  public:
    CuttingProxy(farm::client::ServerAddress behind, std::vector<std::uint64_t> after_sent, std::vector<std::uint64_t> after_received = {});
    ~CuttingProxy();
    [[nodiscard]] farm::client::ServerAddress address() const;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace raymill::test
