#pragma once
/// A worker's result on its way in. The shell's thread keeps the book, one lane of the pool writes the files.
#include "farm/coordinator/shell.hpp"

namespace raymill::farm {

struct Shell::Upload {
    std::uint64_t id = 0;
    std::uint64_t number = 0; ///< the worker's own, of its offer
    std::string worker, tenant;
    scheduler::LeaseRef lease;
    std::vector<wire::ResultFile> files;
    scheduler::Output output;
    std::string device;
    std::vector<std::string> notes;
    scheduler::Time touched = 0; ///< last sign of life
    // Where the next part must begin.
    std::size_t file = 0;
    std::uint64_t offset = 0;
    std::uint32_t credit = 0; ///< parts it may still send
    bool started = false, granted = false, complete = false;
    std::size_t whole = 0; ///< bytes that came with the offer, in `files`; 0: they come in parts
    /// Touched by its lane only.
    std::shared_ptr<std::vector<Store::Writer>> writers = std::make_shared<std::vector<Store::Writer>>();
};

} // namespace raymill::farm
