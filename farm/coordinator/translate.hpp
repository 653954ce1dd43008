#pragma once
/// Between messages and the core's words. Pure; used by the shell and by the simulator, so that both speak the same.
#include "farm/protocol/messages.hpp"
#include "farm/scheduler/types.hpp"

#include <optional>
#include <string>

namespace raymill::farm {

scheduler::LeaseRef from_wire(const wire::LeaseRef& lease);
void to_wire(const scheduler::LeaseRef& lease, wire::LeaseRef& out);

/// A name that may stand in lists and logs: 1 to limits::word printable ASCII characters.
bool is_name(const std::string& text);
/// Words for people, cut to `most` bytes, control characters made spaces. JSON replaces what is not UTF-8.
std::string words(const std::string& text, std::size_t most);

/// What a worker whose name is known says on the control socket; none where no worker of ours says so (it is blocked then), and for a Hello
/// that may not come in. Everything is within limits.hpp.
std::optional<scheduler::Event> event_of(const std::string& worker, const wire::FromWorker& message);

} // namespace raymill::farm
