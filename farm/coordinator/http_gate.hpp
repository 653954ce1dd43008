#pragma once
/// What stands in front of the HTTP library: connections wait here, on one thread, until a request's head is whole and has been looked at;
/// only then does one of the serving threads get it. So what sends slowly, endlessly or nonsense costs a little memory and no thread, and
/// each tenant has at most its share of threads and of memory for bodies. Whose turn is next goes by who is served least. Bounds:
/// limits.hpp.
#include "farm/coordinator/request_head.hpp"

#include <functional>
#include <memory>
#include <string>

namespace httplib {
class Server;
}

namespace raymill::farm {

class TlsContext;

/// What the gate is told about a head that can be read.
struct Admission {
    int status = 0; ///< 0: come in; else the answer, and `words` say why
    std::string words;
    std::string group; ///< who shares one allowance: a tenant, or an address that has no token
    int most = 0;      ///< requests of the group being served at a time
};

struct GateOptions {
    const TlsContext* tls = nullptr; ///< outlives the server
    /// On the gate's thread: must be quick.
    std::function<Admission(const RequestHead& head, const std::string& from)> admit;
    /// A request that the gate answered by itself. Any thread.
    std::function<void(const std::string& from, int status, const std::string& words)> refused;
};

/// Listens and serves like any other of the library's servers.
std::unique_ptr<httplib::Server> make_gated_server(GateOptions options);

} // namespace raymill::farm
