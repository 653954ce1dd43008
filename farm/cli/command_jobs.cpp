// raymill jobs: the latest jobs, newest first.
#include "farm/cli/commands.hpp"
#include "farm/cli/interrupt.hpp"
#include "farm/cli/job_view.hpp"
#include "farm/cli/report.hpp"
#include "farm/cli/server.hpp"

#include <cstdio>

namespace raymill::cli {

int run_jobs(Arguments& arguments) {
    std::optional<unsigned> limit;
    ServerOptions options;
    arguments.number("--limit", limit, 1, 1000, "at most so many (100)");
    add_server(arguments, options);
    if (const auto over = arguments.parse()) return *over;
    const Interrupt interrupt;
    const auto server = Server::find(options, interrupt.token());
    if (!server) return report(server.error());
    const auto jobs = server->client().jobs(limit.value_or(100));
    if (!jobs) return report(jobs.error());
    for (const auto& job : *jobs) print_line(manner().json ? job.json : line_of(job));
    return 0;
}

} // namespace raymill::cli
