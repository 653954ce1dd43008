#pragma once
/// The way to what those who run the farm ask: over HTTP with an operator's token, or on a server's data folder, with or without a server
/// running there.
#include "farm/cli/server.hpp"
#include "farm/coordinator/operator_api.hpp"

#include <memory>
#include <string>

namespace raymill::cli {

struct OperatorOptions {
    ServerOptions server;
    std::string data; ///< the folder; empty: by HTTP
};
/// --data and add_server()'s.
void add_operators(Arguments& arguments, OperatorOptions& options);

/// Every call gives the answer's JSON object.
class Operators {
  public:
    static Result<Operators> find(const OperatorOptions& options, std::stop_token stop);
    Result<std::string> tenants();
    Result<std::string> add_tenant(const std::string& name);
    Result<std::string> remove_tenant(const std::string& name);
    Result<std::string> keys();
    Result<std::string> make_key(const std::string& json_wish);
    Result<std::string> revoke_key(const std::string& id);
    Result<std::string> audit(std::uint64_t after, std::size_t limit);

  private:
    /// The folder's own.
    struct Folder {
        std::unique_ptr<farm::Access> access;
        std::unique_ptr<farm::WorkerKeys> workers;
        std::unique_ptr<farm::AuditLog> audit;
        std::unique_ptr<farm::OperatorApi> api;
    };
    Operators() = default;
    std::unique_ptr<farm::client::Client> client_;
    Folder folder_;
    std::string who_;
};

} // namespace raymill::cli
