// raymill workers: who works for the coordinator.
#include "farm/cli/commands.hpp"
#include "farm/cli/interrupt.hpp"
#include "farm/cli/report.hpp"
#include "farm/cli/server.hpp"

#include <cstdio>

namespace raymill::cli {

int run_workers(Arguments& arguments) {
    ServerOptions options;
    add_server(arguments, options);
    if (const auto over = arguments.parse()) return *over;
    const Interrupt interrupt;
    const auto server = Server::find(options, interrupt.token());
    if (!server) return report(server.error());
    const auto workers = server->client().workers();
    if (!workers) return report(workers.error());
    for (const auto& w : *workers) {
        char text[96];
        std::snprintf(text, sizeof text, "%-16.16s  %-5.5s  %8llu tiles done  %3llu running  ", w.id.c_str(), w.state.c_str(),
                      static_cast<unsigned long long>(w.tiles_done), static_cast<unsigned long long>(w.running));
        print_line(manner().json ? w.json : text + w.host + "  " + w.device);
    }
    return 0;
}

} // namespace raymill::cli
