#pragma once
/// What waits for the disk: the records of a batch, and the sends and answers that hang on them. Invariant: nobody is told anything before
/// all that was decided until then is durable. The shell and the simulator pass everything through one of these. Belongs to one thread.
#include "farm/ledger/ledger.hpp"
#include "farm/scheduler/types.hpp"

#include <functional>
#include <vector>

namespace raymill::farm {

class Gate {
  public:
    void add(Entry entry) { batch_.push_back(std::move(entry)); }
    void add(scheduler::Effects effects);
    /// Called after the next commit, and after that commit's sends; dropped where it fails.
    void then(std::function<void()> answer) { answers_.push_back(std::move(answer)); }

    /// Makes the batch durable; then gives each entry to `on_entry`, each send to `on_send`, in their order, then calls the answers. What
    /// these add belongs to the next batch. On an error nobody hears of anything, and the gate is not to be used again: what the disk has
    /// is unknown.
    Status commit(Ledger& ledger, const std::function<void(const Entry&)>& on_entry,
                  const std::function<void(const scheduler::Send&)>& on_send);

    [[nodiscard]] bool empty() const { return batch_.empty() && sends_.empty() && answers_.empty(); }
    /// When the shell ends: nobody waits for these any more.
    void drop_answers() { answers_.clear(); }

  private:
    std::vector<Entry> batch_;
    std::vector<scheduler::Send> sends_;
    std::vector<std::function<void()>> answers_;
};

} // namespace raymill::farm
