#pragma once
/// The tenants' door: farm/protocol/api.hpp over HTTP, and the page. Requests are served on threads of their own; what needs the jobs'
/// state is asked of the shell, what is history of the ledger.
#include "farm/coordinator/access.hpp"
#include "farm/coordinator/audit.hpp"
#include "farm/coordinator/operator_api.hpp"
#include "farm/coordinator/shell.hpp"
#include "farm/coordinator/tls.hpp"
#include "farm/protocol/address.hpp"

#include <memory>

namespace raymill::farm {

/// Who comes in, who runs the farm, and what is written of both. All outlive the HttpApi.
struct HttpDoorParts {
    Access& access;
    AuditLog& audit;
    OperatorApi& operators;
    const TlsContext* tls = nullptr; ///< null: plain HTTP
};

class HttpApi {
  public:
    HttpApi(Shell& shell, Ledger& ledger, Store& store, const HttpDoorParts& parts);
    ~HttpApi(); ///< stops
    /// Listens; port 0 takes a free one. The port.
    Result<std::uint16_t> bind(const Address& address);
    void start();
    void stop();

  private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace raymill::farm
