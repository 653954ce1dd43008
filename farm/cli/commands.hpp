#pragma once
/// Every command: declares its options, reads them, does its work and gives the program's exit status. Each in command_NAME.cpp.
#include "farm/cli/arguments.hpp"

#include <span>
#include <string_view>

namespace raymill::cli {

int run_audit(Arguments& arguments);
int run_backup(Arguments& arguments);
int run_bench(Arguments& arguments);
int run_cancel(Arguments& arguments);
int run_devices(Arguments& arguments);
int run_fetch(Arguments& arguments);
int run_inspect(Arguments& arguments);
int run_jobs(Arguments& arguments);
int run_key(Arguments& arguments);
int run_render(Arguments& arguments);
int run_serve(Arguments& arguments);
int run_status(Arguments& arguments);
int run_submit(Arguments& arguments);
int run_tenant(Arguments& arguments);
int run_upload(Arguments& arguments);
int run_usage(Arguments& arguments);
int run_wait(Arguments& arguments);
int run_watch(Arguments& arguments);
int run_worker(Arguments& arguments);
int run_workers(Arguments& arguments);

/// What a worker's supervisor starts, with its socket as descriptor 3; not for people.
int run_render_process();

struct Command {
    std::string_view name, help;
    int (*run)(Arguments&);
};
/// In the order of the help.
std::span<const Command> commands();

/// Runs what the words after the program's name ask for; gives the exit status.
int run_command(std::span<char*> words);

} // namespace raymill::cli
