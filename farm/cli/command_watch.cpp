// raymill watch: a job's progress as it happens, to its end.
#include "farm/cli/commands.hpp"
#include "farm/cli/interrupt.hpp"
#include "farm/cli/job_view.hpp"
#include "farm/cli/progress.hpp"
#include "farm/cli/report.hpp"
#include "farm/cli/server.hpp"

namespace raymill::cli {

int run_watch(Arguments& arguments) {
    std::string id;
    ServerOptions options;
    arguments.positional("JOB", id, "the job's id, as submit prints it");
    add_server(arguments, options);
    arguments.footer("The exit status is the job's: 0 done, 1 failed or cancelled, 3 its scene is bad.");
    if (const auto over = arguments.parse()) return *over;
    const Interrupt interrupt;
    const auto server = Server::find(options, interrupt.token(), to_the_end);
    if (!server) return report(server.error());
    auto client = server->client();
    const auto job = client.job(id);
    if (!job) return report(job.error());
    Progress progress;
    const double samples = samples_of(*job);
    const auto ended = client.follow(id, 0, [&](const farm::client::Event& event) -> Status {
        if (manner().json)
            print_line(event.json);
        else if (event.event == "frame" && event.frame && (event.state == "done" || event.state == "failed"))
            print_line("frame " + std::to_string(*event.frame) + " " + event.state + (event.error ? ": " + event.error->message() : ""));
        progress.tiles(event.tiles_done, event.tiles, samples);
        return {};
    });
    Progress::clear();
    if (!ended) return report(ended.error());
    Notes().say_new(ended->notes);
    return end_of(*ended);
}

} // namespace raymill::cli
