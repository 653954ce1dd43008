#pragma once
/// The tenants' door: farm/protocol/api.hpp over HTTP, and the page. Requests are served on threads of their own; what needs the jobs'
/// state is asked of the shell, what is history of the ledger.
#include "farm/coordinator/access.hpp"
#include "farm/coordinator/shell.hpp"
#include "farm/protocol/address.hpp"

#include <memory>

namespace raymill::farm {

class HttpApi {
  public:
    HttpApi(Shell& shell, Ledger& ledger, Store& store, const Tenants& tenants);
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
