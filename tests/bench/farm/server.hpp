#pragma once
/// A real coordinator for measuring: `raymill serve` as a process of its own, in a folder of the benchmark's, spoken to over HTTP.
#include "farm/client/client.hpp"
#include "farm/protocol/keys.hpp"

#include <filesystem>
#include <map>
#include <string>
#include <sys/types.h>
#include <vector>

namespace raymill::farm::bench {

class Server {
  public:
    /// Nothing runs yet. `folder`: where its data goes; `raymill`: the program.
    Server(std::filesystem::path raymill, std::filesystem::path folder);
    ~Server(); ///< kills it
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    /// Starts it and waits for its ready line; the words of what went wrong otherwise.
    Status start();
    void kill(); ///< SIGKILL
    [[nodiscard]] client::Client client() const;
    [[nodiscard]] client::Http http() const;
    [[nodiscard]] std::uint16_t worker_port() const { return static_cast<std::uint16_t>(port_ + 1); }
    [[nodiscard]] std::string server_key() const;
    [[nodiscard]] KeyPair worker_keys() const;
    [[nodiscard]] std::filesystem::path data() const { return folder_ / "server"; }
    [[nodiscard]] double cpu_s() const; ///< user and system seconds it used so far

    /// A scene of one file with these bytes: its id.
    Result<std::string> scene(const std::string& bytes);
    Result<std::string> submit(const std::string& scene, const std::map<std::string, std::string>& settings);

  private:
    std::filesystem::path raymill_, folder_;
    unsigned port_ = 0; ///< HTTP; the workers' door has the two after it
    pid_t pid_ = -1;
};

} // namespace raymill::farm::bench
