#pragma once
/// What waits for the disk: the records of a batch, and the sends and answers that hang on them. Invariant: nobody is told anything before
/// all that was decided until then is durable. The shell and the simulator pass everything through one of these. Belongs to one thread.
#include "farm/ledger/ledger.hpp"
#include "farm/scheduler/types.hpp"

#include <functional>
#include <utility>
#include <vector>

namespace raymill::farm {

class Gate {
  public:
    struct Batch {
        std::vector<Entry> entries;
        std::vector<scheduler::Send> sends;         ///< to be released, in their order, when the entries are durable
        std::vector<std::function<void()>> answers; ///< likewise, after the sends
    };

    void add(Entry entry) { batch_.entries.push_back(std::move(entry)); }
    void add(scheduler::Effects effects);
    /// Called after the next commit, and after that commit's sends; dropped where it fails.
    void then(std::function<void()> answer) { batch_.answers.push_back(std::move(answer)); }

    /// Makes the batch durable; then gives each entry to `on_entry`, each send to `on_send`, in their order, then calls the answers. What
    /// these add belongs to the next batch. On an error nobody hears of anything, and the gate is not to be used again: what the disk has
    /// is unknown.
    Status commit(Ledger& ledger, const std::function<void(const Entry&)>& on_entry,
                  const std::function<void(const scheduler::Send&)>& on_send);

    /// The batch, for a shell that commits it beside its own work; the next one gathers. Whoever takes it keeps the invariant.
    [[nodiscard]] Batch take() { return std::exchange(batch_, {}); }

    [[nodiscard]] bool empty() const { return batch_.entries.empty() && batch_.sends.empty() && batch_.answers.empty(); }
    /// When the shell ends: nobody waits for these any more.
    void drop_answers() { batch_.answers.clear(); }

  private:
    Batch batch_;
};

} // namespace raymill::farm
