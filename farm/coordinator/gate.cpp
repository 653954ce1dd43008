#include "farm/coordinator/gate.hpp"

#include <iterator>
#include <utility>

namespace raymill::farm {

void Gate::add(scheduler::Effects effects) {
    for (auto& record : effects.records) std::visit([this](auto& r) { batch_.emplace_back(std::move(r)); }, record);
    sends_.insert(sends_.end(), std::make_move_iterator(effects.sends.begin()), std::make_move_iterator(effects.sends.end()));
}

Status Gate::commit(Ledger& ledger, const std::function<void(const Entry&)>& on_entry,
                    const std::function<void(const scheduler::Send&)>& on_send) {
    const auto batch = std::exchange(batch_, {});
    if (!batch.empty())
        if (auto ok = ledger.commit(batch); !ok) return ok;
    for (const auto& entry : batch) on_entry(entry);
    for (const auto& send : std::exchange(sends_, {})) on_send(send);
    for (const auto& answer : std::exchange(answers_, {})) answer();
    return {};
}

} // namespace raymill::farm
