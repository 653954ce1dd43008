#pragma once
/// One JSON object as one line on standard output.
#include "farm/cli/report.hpp"

#include <nlohmann/json.hpp>

namespace raymill::cli {

/// Text that is not UTF-8 (a file's name may be anything) has its bad bytes replaced.
inline void print_json(const nlohmann::ordered_json& object) {
    print_line(object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

} // namespace raymill::cli
