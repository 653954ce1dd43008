#include "farm/coordinator/gate.hpp"

#include <iterator>
#include <utility>

namespace raymill::farm {

void Gate::add(scheduler::Effects effects) {
    for (auto& record : effects.records) std::visit([this](auto& r) { batch_.entries.emplace_back(std::move(r)); }, record);
    batch_.sends.insert(batch_.sends.end(), std::make_move_iterator(effects.sends.begin()), std::make_move_iterator(effects.sends.end()));
}

Status Gate::commit(Ledger& ledger, const std::function<void(const Entry&)>& on_entry,
                    const std::function<void(const scheduler::Send&)>& on_send) {
    auto batch = take();
    if (!batch.entries.empty())
        if (auto ok = ledger.commit(batch.entries); !ok) return ok;
    for (const auto& entry : batch.entries) on_entry(entry);
    for (const auto& send : batch.sends) on_send(send);
    for (const auto& answer : batch.answers) answer();
    return {};
}

} // namespace raymill::farm
