// raymill cancel: a job that nobody needs any more.
#include "farm/cli/commands.hpp"
#include "farm/cli/interrupt.hpp"
#include "farm/cli/report.hpp"
#include "farm/cli/server.hpp"

namespace raymill::cli {

int run_cancel(Arguments& arguments) {
    std::vector<std::string> ids;
    ServerOptions options;
    arguments.positionals("JOB", ids, "jobs' ids, as submit prints them");
    add_server(arguments, options);
    if (const auto over = arguments.parse()) return *over;
    const Interrupt interrupt;
    const auto server = Server::find(options, interrupt.token());
    if (!server) return report(server.error());
    auto client = server->client();
    int status = 0;
    for (const auto& id : ids) {
        const auto job = client.cancel(id);
        if (!job)
            status = report(job.error());
        else if (manner().json)
            print_line(job->json);
        else if (job->state != "cancelled")
            say("job " + id + " was over before: " + job->state);
    }
    return status;
}

} // namespace raymill::cli
