// Finds the command and runs it.
#include "farm/cli/commands.hpp"
#include "farm/cli/report.hpp"

#include <algorithm>
#include <cstdio>
#include <string>

namespace raymill::cli {
namespace {

void print_help() {
    std::fputs("Renders glTF scenes, here or on a farm.\n\nUsage: raymill COMMAND ...\n\nCommands:\n", stdout);
    for (const auto& command : commands())
        std::printf("  %-10s %s\n", std::string(command.name).c_str(), std::string(command.help).c_str());
    std::fputs(
        "\n\"raymill COMMAND --help\" says all of one command; \"raymill --version\" the version.\n"
        "Exit status: 0 done; 1 the job failed; 2 wrong usage; 3 the scene or an input file is bad; 4 the server cannot be reached or\n"
        "refuses; 5 no usable device; 130 interrupted.\n",
        stdout);
}

/// The closest command to a misspelt one, by common letters at the start.
std::string nearest(std::string_view word) {
    for (std::size_t length = word.size(); length >= 2; --length)
        for (const auto& command : commands())
            if (command.name.starts_with(word.substr(0, length))) return "; did you mean \"raymill " + std::string(command.name) + "\"?";
    return "; \"raymill --help\" lists the commands";
}

} // namespace

int run_command(std::span<char*> words) {
    if (words.empty())
        return report(
            {Code::usage, "", "which command? \"raymill --help\" lists them; \"raymill render SCENE -o OUT.png\" renders a picture"});
    const std::string_view name = words.front();
    if (name == "--help" || name == "-h" || name == "help") return print_help(), 0;
    if (name == "--version") return std::puts("raymill " RAYMILL_VERSION), 0;
    if (name == "render-process") return run_render_process();
    const auto command = std::ranges::find(commands(), name, &Command::name);
    if (command == commands().end())
        return report({Code::usage, std::string(name.substr(0, 80)), "is not a command" + nearest(name.substr(0, 80))});
    Arguments arguments(command->name, command->help, words.subspan(1));
    return command->run(arguments);
}

std::span<const Command> commands() {
    static constexpr Command all[] = {
        {"render", "render a scene here: the whole farm on this machine for one job", run_render},
        {"serve", "run the coordinator: HTTP for people, ZeroMQ for workers", run_serve},
        {"worker", "work for a coordinator with this machine's devices", run_worker},
        {"submit", "upload scenes and queue jobs", run_submit},
        {"jobs", "list the latest jobs", run_jobs},
        {"status", "say all about one job", run_status},
        {"watch", "show a job's progress to its end", run_watch},
        {"wait", "wait for a job's end", run_wait},
        {"fetch", "bring finished frames to files", run_fetch},
        {"cancel", "end jobs that nobody needs any more", run_cancel},
        {"upload", "upload a scene only", run_upload},
        {"inspect", "say what is in a scene and what would not be drawn as meant", run_inspect},
        {"workers", "list who works for the coordinator", run_workers},
        {"tenant", "list, add and remove the farm's customers", run_tenant},
        {"key", "list, make and revoke keys: who may come in", run_key},
        {"audit", "say who did what, and who was refused", run_audit},
        {"usage", "say who used what, by tenant, job or day", run_usage},
        {"backup", "copy a coordinator's state while it runs", run_backup},
        {"devices", "list this machine's devices, which would be chosen and why", run_devices},
        {"bench", "measure this machine: samples and rays a second, scene by scene", run_bench},
    };
    return all;
}

} // namespace raymill::cli
