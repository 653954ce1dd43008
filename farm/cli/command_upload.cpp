// raymill upload: only the scene, so that jobs with it start at once later.
#include "farm/cli/commands.hpp"
#include "farm/cli/interrupt.hpp"
#include "farm/cli/json_line.hpp"
#include "farm/cli/shot.hpp"

namespace raymill::cli {

int run_upload(Arguments& arguments) {
    Shot shot;
    std::string scene, env;
    ServerOptions options;
    arguments.positional("SCENE", scene, "a glTF file (.gltf, .glb)");
    arguments.text("--env", env, "FILE", "an environment file that jobs will use with it");
    add_server(arguments, options);
    arguments.footer("Prints the scene's id, the SHA-256 of its manifest.");
    if (const auto over = arguments.parse()) return *over;
    shot.scene = scene;
    if (!env.empty()) shot.words["env"] = env;
    const auto files = find_files(shot);
    if (!files) return report(files.error());
    const Interrupt interrupt;
    const auto server = Server::find(options, interrupt.token());
    if (!server) return report(server.error());
    const auto local = farm::client::make_manifest(files->files, interrupt.token());
    if (!local) return report(local.error());
    auto client = server->client();
    Progress progress;
    const auto sent = send_scene(*server, client, *local, progress);
    Progress::clear();
    if (!sent) return report(sent.error());
    if (manner().json)
        print_json({{"event", "done"},
                    {"scene", sent->scene},
                    {"files", local->manifest.files.size()},
                    {"blobs_sent", sent->blobs_sent},
                    {"bytes_sent", sent->bytes_sent}});
    else
        print_line(sent->scene);
    return 0;
}

} // namespace raymill::cli
