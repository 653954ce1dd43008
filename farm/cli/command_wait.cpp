// raymill wait: nothing until the job is over.
#include "farm/cli/commands.hpp"
#include "farm/cli/interrupt.hpp"
#include "farm/cli/job_view.hpp"
#include "farm/cli/report.hpp"
#include "farm/cli/server.hpp"

namespace raymill::cli {

int run_wait(Arguments& arguments) {
    std::string id;
    ServerOptions options;
    arguments.positional("JOB", id, "the job's id, as submit prints it");
    add_server(arguments, options);
    arguments.footer("The exit status is the job's: 0 done, 1 failed or cancelled, 3 its scene is bad.");
    if (const auto over = arguments.parse()) return *over;
    const Interrupt interrupt;
    const auto server = Server::find(options, interrupt.token(), to_the_end);
    if (!server) return report(server.error());
    const auto ended = server->client().follow(id, 0, [](const farm::client::Event&) { return Status(); });
    if (!ended) return report(ended.error());
    if (manner().json) print_line(ended->json);
    return end_of(*ended);
}

} // namespace raymill::cli
