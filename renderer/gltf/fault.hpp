#pragma once
/// How this room unwinds: a fault in the file is thrown where it is found, and becomes an Error value in load() and files_of(). Never
/// leaves the room.
#include "renderer/base/error.hpp"

#include <string>
#include <string_view>

namespace raymill::gltf {

struct Fault {
    Error error;
};

/// Words from the file as one printable line of bounded length, for messages and notes.
std::string printable(std::string_view words);

[[noreturn]] inline void bad(std::string where, std::string what) { throw Fault{{Code::bad_input, std::move(where), std::move(what)}}; }
[[noreturn]] inline void unsupported(std::string where, std::string what) {
    throw Fault{{Code::unsupported, std::move(where), std::move(what)}};
}

} // namespace raymill::gltf
