#!/usr/bin/env python3
"""Planted mutants: the core, or the gate before it, with one line wrong. Writes the mutated source: mutants.py NAME OUTPUT, from the folder above.

A mutant is a text that stands exactly once in a source and what takes its place, so production code knows nothing of it; where the text is
not found any more the build says so. meson.build makes a raymill-simulate of each, which must be caught.
"""
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
MUTANTS = {
    # name: (source, what stands there, what stands there instead)
    "no_fence_check": ("farm/scheduler/apply.cpp", "task->fence != 0 && task->fence == event.lease.fence;", "task->fence != 0;"),
    "accept_twice": ("farm/scheduler/apply.cpp", "    ++frame.done;\n    ++job.tiles_done;", "    if (next_seq_ % 64 == 0) effects_.records.emplace_back(TileAccepted{id, lease.fence, worker, output, next_seq_});\n    ++frame.done;\n    ++job.tiles_done;"),
    "forget_boot_id": ("farm/scheduler/apply.cpp", "std::ranges::set_difference(held->second, kept, std::back_inserter(over));", "(void)kept;"),
    "acknowledge_before_commit": ("farm/coordinator/gate.cpp", "    auto batch = take();", "    auto batch = take();\n    for (const auto& send : std::exchange(batch.sends, {})) on_send(send);"),
    "same_fence_again": ("farm/scheduler/leases.cpp", "    ++state->fence;", "    if (state->fence == 0) ++state->fence;"),
    "lease_not_recorded": ("farm/scheduler/leases.cpp", "    record(task);\n    auto& worker = workers_.at(id);", "    auto& worker = workers_.at(id);"),
    "damaged_for_ever": ("farm/scheduler/apply.cpp", "if (!std::exchange(leases_.at(event.lease.task).damaged, true)) {", "if (true) {"),
    "unfair": ("farm/scheduler/fair_share.cpp", "rank.level = has + weights <= entitled ? 0 : has < entitled ? 1 : 2;", "rank.level = 0;"),
    "time_not_counted": ("farm/scheduler/fair_share.cpp", "    tenant.used += ", "    if (false) tenant.used += "),
    "finish_too_early": ("farm/scheduler/apply.cpp", "if (frame.done == job.spec.tiles) {", "if (frame.done + 1 == job.spec.tiles || job.spec.tiles == 1) {"),
}


def main() -> int:
    source, old, new = MUTANTS[sys.argv[1]]
    text = (ROOT / source).read_text(encoding="utf-8")
    if text.count(old) != 1:
        print(f"mutant {sys.argv[1]}: its text stands {text.count(old)} times in {source}", file=sys.stderr)
        return 1
    pathlib.Path(sys.argv[2]).write_text(text.replace(old, new), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
