// raymill backup: a copy of a running coordinator's state.
#include "farm/cli/commands.hpp"
#include "farm/cli/json_line.hpp"
#include "farm/cli/report.hpp"
#include "farm/cli/server.hpp"
#include "farm/coordinator/backup.hpp"
#include "farm/protocol/rendezvous.hpp"

namespace raymill::cli {

int run_backup(Arguments& arguments) {
    std::string data, to;
    arguments.positional("TO", to, "a folder that is not there yet");
    arguments.text("--data", data, "DIR", "the coordinator's folder; the user's data folder");
    add_manner(arguments);
    arguments.footer(
        "The coordinator may run meanwhile. To restore, start \"raymill serve --data\" on the copy. Keys and tokens are in it.");
    if (const auto over = arguments.parse()) return *over;
    const auto done = farm::back_up(data.empty() ? farm::default_data_folder() / "server" : std::filesystem::path(data), to);
    if (!done) return report(done.error());
    if (manner().json)
        print_json({{"event", "done"}, {"files", done->files}, {"bytes", done->bytes}, {"output", to}});
    else
        print_line(std::to_string(done->files) + " files, " + std::to_string(done->bytes >> 20) + " MiB in " + to);
    return 0;
}

} // namespace raymill::cli
