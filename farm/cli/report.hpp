#pragma once
/// What the program says: errors, warnings and JSON lines; and its exit status.
#include "renderer/base/error.hpp"

#include <string>

namespace raymill::cli {

/// 0 done; 1 the job failed; 2 wrong usage; 3 a bad scene or input file; 4 the server cannot be reached or refuses; 5 no usable device.
int exit_status(Code code);

/// Prints "raymill: WHERE: WHAT" as one line to stderr, with --json also {"event": "error", ...} to stdout; gives the exit status. An error
/// that says "interrupted" while a signal stops the program gives 128 plus the signal's number, as shells do.
int report(const Error& error);

/// One line to stderr: "raymill: TEXT". Not under --quiet.
void say(const std::string& text);

/// Prints one line to stdout and sends it off. Where its reader has gone away the program stops, as filters do.
void print_line(const std::string& line);

/// Set once, from --json and --quiet.
struct Manner {
    bool json = false, quiet = false;
};
Manner& manner();

} // namespace raymill::cli
