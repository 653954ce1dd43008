#include "farm/coordinator/translate.hpp"

#include "farm/protocol/limits.hpp"
#include "renderer/base/error.hpp"

#include <algorithm>

namespace raymill::farm {

using namespace scheduler;

namespace {

template<class List> std::vector<Held> held_of(const List& list) {
    std::vector<Held> held;
    held.reserve(static_cast<std::size_t>(list.size()));
    for (const auto& one : list) held.push_back({from_wire(one.lease()), one.rendered()});
    return held;
}

} // namespace

LeaseRef from_wire(const wire::LeaseRef& lease) { return {{lease.job(), lease.frame(), lease.tile()}, lease.fence()}; }

void to_wire(const LeaseRef& lease, wire::LeaseRef& out) {
    out.set_job(lease.task.job);
    out.set_frame(lease.task.frame);
    out.set_tile(lease.task.tile);
    out.set_fence(lease.fence);
}

bool is_name(const std::string& text) {
    return !text.empty() && text.size() <= limits::word && std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
}

std::string words(const std::string& text, std::size_t most) {
    auto out = text.substr(0, most);
    for (auto& c : out)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
    return out;
}

std::optional<Event> event_of(const std::string& worker, const wire::FromWorker& message) {
    switch (message.body_case()) {
    case wire::FromWorker::kHello: {
        const auto& hello = message.hello();
        if (!is_name(hello.worker()) || !is_name(hello.boot()) || static_cast<std::size_t>(hello.leases_size()) > limits::leases_a_hello)
            return {};
        return WorkerHello{worker, hello.boot(), std::min(hello.slots(), limits::slots_a_worker), held_of(hello.leases())};
    }
    case wire::FromWorker::kHeartbeat:
        if (static_cast<std::size_t>(message.heartbeat().leases_size()) > limits::leases_a_hello) return {};
        return WorkerHeartbeat{worker, held_of(message.heartbeat().leases())};
    case wire::FromWorker::kRendered:
        return TaskRendered{worker, from_wire(message.rendered().lease())};
    case wire::FromWorker::kFailed: {
        const auto& failed = message.failed();
        const auto kind = failed.kind() == wire::TaskFailed::INPUT  ? FailureKind::input
                          : failed.kind() == wire::TaskFailed::LOST ? FailureKind::lost
                                                                    : FailureKind::genuine;
        return TaskFailed{worker,
                          from_wire(failed.lease()),
                          kind,
                          {std::string(name_of(code_named(failed.code()))), words(failed.message(), limits::reason)}};
    }
    case wire::FromWorker::kGoodbye:
        return WorkerGoodbye{worker};
    default:
        return {};
    }
}

} // namespace raymill::farm
