#pragma once
/// renderer/base: what every room shares and that depends on nothing: errors as values, checks, render settings. Farm rooms may include it
/// too. This file: what went wrong at a border (a file, a message, a user's words), as a value. Thread: any.
#include <expected>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

namespace raymill {

/// What kind of fault; the command line turns it into its exit status, the HTTP API into its status code.
enum class Code {
    bad_input,   ///< the scene or an input file is bad (exit status 3)
    usage,       ///< wrong option, setting or value (2)
    unsupported, ///< understood, but this build or device cannot do it (3)
    unreachable, ///< a server cannot be reached (4)
    refused,     ///< a server refuses: no right, no such job, over a limit (4)
    no_device,   ///< no usable Vulkan device (5)
    device_lost, ///< the device or its driver failed while working (1)
    io,          ///< reading or writing a file failed (1)
    failed,      ///< the work itself failed (1)
};

inline constexpr std::string_view code_names[] = {"bad_input", "usage",       "unsupported", "unreachable", "refused",
                                                  "no_device", "device_lost", "io",          "failed"};
/// The code's name as it travels in JSON and between processes.
constexpr std::string_view name_of(Code code) { return code_names[static_cast<unsigned>(code)]; }
/// The code of that name; Code::failed for a name that is not one (a newer server's).
constexpr Code code_named(std::string_view name) {
    for (unsigned i = 0; i < std::size(code_names); ++i)
        if (code_names[i] == name) return static_cast<Code>(i);
    return Code::failed;
}

/// What went wrong, for a person: `where` names the place in their file, `what` says it and the mend. One line each, no trailing full stop.
/// Prints as "atrium.gltf: accessors[12]: 40 elements of 12 bytes go past bufferViews[3] (456 bytes)".
struct Error {
    Code code = Code::failed;
    std::string where;
    std::string what;

    [[nodiscard]] std::string message() const { return where.empty() ? what : where + ": " + what; }
    /// The same error, found inside `outer` (a file round an accessor).
    [[nodiscard]] Error within(const std::string& outer) const { return {code, where.empty() ? outer : outer + ": " + where, what}; }
};

template<class T> using Result = std::expected<T, Error>;
using Status = std::expected<void, Error>;

inline std::unexpected<Error> fail(Code code, std::string where, std::string what) {
    return std::unexpected(Error{code, std::move(where), std::move(what)});
}

} // namespace raymill
