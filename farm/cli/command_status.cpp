// raymill status: one job, in words.
#include "farm/cli/commands.hpp"
#include "farm/cli/interrupt.hpp"
#include "farm/cli/job_view.hpp"
#include "farm/cli/report.hpp"
#include "farm/cli/server.hpp"

namespace raymill::cli {

int run_status(Arguments& arguments) {
    std::string id;
    ServerOptions options;
    arguments.positional("JOB", id, "the job's id, as submit prints it");
    add_server(arguments, options);
    if (const auto over = arguments.parse()) return *over;
    const Interrupt interrupt;
    const auto server = Server::find(options, interrupt.token());
    if (!server) return report(server.error());
    const auto job = server->client().job(id);
    if (!job) return report(job.error());
    print_line(manner().json ? job->json : lines_of(*job));
    return 0;
}

} // namespace raymill::cli
