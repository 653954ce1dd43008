#pragma once
/// What those who run the farm ask over HTTP: tenants, keys, the audit log; and how a worker of another host comes in with its one-time
/// key. `raymill key --data` and `raymill tenant --data` do the same on the folder, without a server. Any thread.
#include "farm/coordinator/access.hpp"
#include "farm/coordinator/audit.hpp"

#include <string>

namespace raymill::farm {

struct OperatorAnswer {
    int status = 200;
    std::string body; ///< JSON
};

class OperatorApi {
  public:
    /// All outlive it. `server_key`: the server's public CURVE key.
    OperatorApi(Access& access, WorkerKeys& workers, AuditLog& audit, std::string server_key)
        : access_(access), workers_(workers), audit_(audit), server_key_(std::move(server_key)) {}

    // `who` and `from` go into the audit log; `body` is the request's.
    OperatorAnswer list_tenants();
    OperatorAnswer add_tenant(const std::string& who, const std::string& from, const std::string& body);
    OperatorAnswer remove_tenant(const std::string& who, const std::string& from, const std::string& name);
    OperatorAnswer list_keys();
    OperatorAnswer make_key(const std::string& who, const std::string& from, const std::string& body);
    /// A key's id, or a worker's public key.
    OperatorAnswer revoke_key(const std::string& who, const std::string& from, const std::string& id);
    OperatorAnswer read_audit(std::uint64_t after, std::size_t limit);
    OperatorAnswer enrol(const Identity& who, const std::string& from, const std::string& body);

  private:
    OperatorAnswer outcome(const AuditRecord& record, const Status& done, const std::string& body);
    Access& access_;
    WorkerKeys& workers_;
    AuditLog& audit_;
    std::string server_key_;
};

} // namespace raymill::farm
