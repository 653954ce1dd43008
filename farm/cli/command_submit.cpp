// raymill submit: scenes or job files to the farm's queue; with --wait or -o to their end.
#include "farm/cli/commands.hpp"
#include "farm/cli/interrupt.hpp"
#include "farm/cli/json_line.hpp"
#include "farm/cli/saving.hpp"
#include "farm/cli/shot.hpp"

#include <algorithm>
#include <set>

namespace raymill::cli {
namespace {

struct Options {
    std::vector<std::string> inputs;
    std::map<std::string, std::string> words;
    std::string output, key, name;
    bool wait = false;
    ServerOptions server;
};

struct Queued {
    Shot shot;
    ShotFiles files;
    std::string key, output;
};

/// All shots of all inputs, with the command line's settings on top, each checked as far as this machine can.
Result<std::vector<Queued>> read_shots(const Options& options) {
    std::vector<Queued> queue;
    std::string key = options.key;
    for (const std::filesystem::path input : options.inputs) {
        if (input.extension() == ".toml") {
            auto file = read_job_file(input);
            if (!file) return std::unexpected(file.error());
            if (key.empty()) key = file->key;
            for (auto& shot : file->shots) queue.push_back({std::move(shot), {}, {}, {}});
        } else {
            queue.push_back({{input, input.stem().string().substr(0, max_name), "", {}, 0}, {}, {}, {}});
        }
    }
    if (!options.name.empty()) {
        if (queue.size() > 1) return fail(Code::usage, "--name", "names one job, but there are " + std::to_string(queue.size()));
        queue.front().shot.name = options.name;
    }
    if (key.size() > max_key) return fail(Code::usage, "--key", "is longer than " + std::to_string(max_key) + " bytes");
    const bool several = queue.size() > 1 || queue.front().shot.line > 0;
    std::error_code fault;
    if (queue.size() > 1 && !options.output.empty() && !std::filesystem::is_directory(options.output, fault))
        return fail(Code::usage, options.output,
                    "is one name for " + std::to_string(queue.size()) + " jobs; give a folder that exists, and each goes to FOLDER/NAME");
    std::set<std::string> names;
    for (auto& job : queue) {
        if (!names.insert(job.shot.name).second)
            return fail(Code::usage, job.shot.name,
                        "two jobs would have this name; submit them one by one, or give them names in a job file");
        for (const auto& [name, word] : options.words) job.shot.words[name] = word;
        job.output = options.output.empty() ? job.shot.output : options.output;
        if (!key.empty()) job.key = several ? key_of_shot(key, job.shot.name) : key;
        if (!job.output.empty()) {
            const auto at = job.shot.words.find("format");
            const auto output = OutputName::parse(job.output, job.shot.name, at == job.shot.words.end() ? "png" : at->second);
            if (!output) return std::unexpected(output.error());
            if (auto good = agree_on_format(job.shot.words, output->format(), job.output); !good) return std::unexpected(good.error());
            if (options.wait || !options.output.empty())
                if (auto good = output->check(0, false); !good) return std::unexpected(good.error());
        }
        auto files = find_files(job.shot);
        if (!files) return std::unexpected(files.error());
        job.files = std::move(*files);
    }
    return queue;
}

/// Waits for one job, and brings its frames where there is a place for them.
int finish(farm::client::Client& client, const std::string& id, const std::string& output, Notes& notes) {
    const auto job = client.job(id);
    if (!job) return report(job.error());
    Progress progress;
    farm::client::JobInfo ended;
    if (output.empty()) {
        const double samples = samples_of(*job);
        auto followed = client.follow(id, 0, [&](const farm::client::Event& event) -> Status {
            if (manner().json) print_line(event.json);
            progress.tiles(event.tiles_done, event.tiles, samples);
            return {};
        });
        Progress::clear();
        if (!followed) return report(followed.error());
        notes.say_new(followed->notes);
        ended = std::move(*followed);
    } else {
        const auto name = output_of(*job, output);
        if (!name) return report(name.error());
        auto fetched = save_frames(client, *job, *name, true, progress, notes);
        if (!fetched) return report(fetched.error());
        ended = std::move(fetched->job);
    }
    if (const int status = end_of(ended)) return status;
    if (manner().json)
        print_json({{"event", "done"}, {"job", id}, {"frames", ended.frames}, {"samples", ended.samples}, {"trace_s", ended.trace_s}});
    return 0;
}

} // namespace

int run_submit(Arguments& arguments) {
    Options options;
    arguments.positionals("SCENE", options.inputs, "glTF files (.gltf, .glb), or job files (.toml) with many shots");
    arguments.flag("--wait", options.wait, "wait for the end; the exit status is then the job's");
    arguments.text("-o,--output", options.output, "OUT",
                   "waits, and fetches each frame as it finishes: x.png, x.exr, with #### or %04d for a number, or a folder");
    arguments.text("--key", options.key, "KEY", "the same key twice is one job: safe to repeat");
    arguments.text("--name", options.name, "NAME", "the job's name (the scene's file name)");
    arguments.settings(options.words);
    add_server(arguments, options.server);
    if (const auto over = arguments.parse()) return *over;
    if (options.name.size() > max_name) return report({Code::usage, "--name", "is longer than " + std::to_string(max_name) + " bytes"});

    const auto queue = read_shots(options);
    if (!queue) return report(queue.error());
    const Interrupt interrupt;
    const auto server = Server::find(options.server, interrupt.token());
    if (!server) return report(server.error());
    auto client = server->client();
    std::vector<std::string> ids;
    {
        Progress progress;
        for (const auto& job : *queue) {
            const auto scene = farm::client::make_manifest(job.files.files, interrupt.token());
            if (!scene) return report(scene.error());
            const auto sent = send_scene(*server, client, *scene, progress);
            if (!sent) return report(sent.error());
            const auto submitted = client.submit({sent->scene, job.files.words, job.shot.name, job.key});
            if (!submitted) return report(submitted.error());
            ids.push_back(submitted->job);
            if (manner().json)
                print_json({{"event", "submitted"},
                            {"job", submitted->job},
                            {"name", job.shot.name},
                            {"scene", sent->scene},
                            {"created", submitted->created},
                            {"bytes_sent", sent->bytes_sent}});
            else
                print_line(submitted->job);
        }
    }
    if (!options.wait && options.output.empty()) return 0;
    Notes notes;
    int status = 0;
    for (std::size_t i = 0; i < ids.size(); ++i) {
        const int one = finish(client, ids[i], (*queue)[i].output, notes);
        if (status == 0) status = one;
        if (interrupt.token().stop_requested()) {
            say("the farm goes on with what was submitted; \"raymill cancel\" ends a job");
            return one;
        }
    }
    return status;
}

} // namespace raymill::cli
