// raymill fetch: finished frames to files.
#include "farm/cli/commands.hpp"
#include "farm/cli/interrupt.hpp"
#include "farm/cli/job_view.hpp"
#include "farm/cli/json_line.hpp"
#include "farm/cli/progress.hpp"
#include "farm/cli/report.hpp"
#include "farm/cli/saving.hpp"
#include "farm/cli/server.hpp"

namespace raymill::cli {

int run_fetch(Arguments& arguments) {
    std::string id, output;
    bool follow = false;
    ServerOptions options;
    arguments.positional("JOB", id, "the job's id, as submit prints it");
    arguments.text("-o,--output", output, "OUT",
                   "x.png or x.exr as the job renders, with #### or %04d for a frame's number; or a folder that exists");
    arguments.flag("--follow", follow, "wait for the job's end and fetch each frame the moment it is assembled");
    add_server(arguments, options);
    if (const auto over = arguments.parse()) return *over;
    if (output.empty()) return report({Code::usage, "fetch", "-o is missing; say where the frames go"});
    const Interrupt interrupt;
    const auto server = Server::find(options, interrupt.token(), follow ? to_the_end : farm::client::Patience{});
    if (!server) return report(server.error());
    auto client = server->client();
    const auto job = client.job(id);
    if (!job) return report(job.error());
    const auto name = output_of(*job, output);
    if (!name) return report(name.error());

    Progress progress;
    Notes notes;
    const auto fetched = save_frames(client, *job, *name, follow, progress, notes);
    if (!fetched) return report(fetched.error());
    const auto& now = fetched->job;
    if (follow || now.over()) {
        if (const int status = end_of(now)) return status;
    } else if (fetched->saved == 0) {
        return report({Code::refused, "job " + id, "no frame is done yet (" + now.state + "); --follow waits for them"});
    } else {
        say(std::to_string(fetched->saved) + " of " + std::to_string(now.frames) +
            " frames are done so far; --follow waits for the others");
    }
    if (manner().json) print_json({{"event", "done"}, {"job", id}, {"saved", fetched->saved}, {"frames", now.frames}});
    return 0;
}

} // namespace raymill::cli
