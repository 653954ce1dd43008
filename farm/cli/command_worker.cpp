// raymill worker: this machine's devices for a coordinator, until it is told to end; and, not in the help, the render process that it
// starts.
#include "farm/cli/commands.hpp"
#include "farm/cli/report.hpp"
#include "farm/cli/server.hpp"
#include "farm/protocol/files.hpp"
#include "farm/protocol/keys.hpp"
#include "farm/protocol/limits.hpp"
#include "farm/protocol/rendezvous.hpp"
#include "farm/worker/render_process.hpp"
#include "farm/worker/worker.hpp"
#include "renderer/renderer.hpp"

#include <charconv>
#include <sys/stat.h>
#include <unistd.h>

namespace raymill::cli {

namespace {

/// With a one-time key: this worker's public key goes to the farm, the farm's comes here. Nothing where that was done before, so that the
/// same command line starts the worker again.
Status enrol(const std::string& token, const std::filesystem::path& data, const ServerOptions& options) {
    ::umask(077);
    if (auto ok = farm::make_private_folder(data); !ok) return ok;
    std::error_code error;
    if (std::filesystem::exists(data / "server.pub", error)) {
        say("enrolled already (" + (data / "server.pub").string() + "); --enrol is not used");
        return {};
    }
    const auto own = farm::load_or_make_keys(data / "worker.key");
    if (!own) return std::unexpected(own.error());
    const auto address = find_address(options);
    if (!address) return std::unexpected(address.error());
    char host[128] = {};
    if (::gethostname(host, sizeof host - 1) != 0) host[0] = 0;
    farm::client::Client client(farm::client::Http(*address, {token, {}}, {}, {}));
    const auto server_key = client.enrol(own->public_key, host);
    if (!server_key) return std::unexpected(server_key.error());
    if (!farm::is_key(*server_key))
        return fail(Code::refused, address->url(), "the server's key is none; is another server at that address?");
    return farm::write_private_file(data / "server.pub", *server_key + "\n");
}

} // namespace

int run_worker(Arguments& arguments) {
    farm::WorkerOptions options;
    std::string data, token;
    std::string sandbox = "best";
    ServerOptions server;
    std::optional<unsigned> threads, cache;
    arguments.text("--connect", options.connect, "tcp://HOST:PORT", "the coordinator: tcp://127.0.0.1:8081");
    arguments.text("--data", data, "DIR", "keys, scene cache and unsent results; the user's data folder. One worker at a time");
    arguments.text("--device", options.device, "NAME", "a device by name, index or UUID, \"software\" or \"reference\"; the best");
    arguments.number("--threads", threads, 1, 4096, "CPU threads of a software device or the reference (all)");
    arguments.number("--cache", cache, 1, 1u << 20, "GiB of scenes to keep on disk (20)");
    arguments.text("--sandbox", sandbox, "off|best|required",
                   "how render processes are locked in: with what this host offers (best); required refuses to work where anything lacks");
    arguments.text("--enrol", token, "TOKEN", "a key of scope worker: brings this worker in at the server that --server names, once");
    arguments.text("--server", server.server, "URL", "with --enrol: https://HOST:PORT of the coordinator; else RAYMILL_SERVER");
    arguments.text("--ca", server.ca, "FILE", "with --enrol: who may have signed the server's certificate (PEM); else RAYMILL_CA");
    std::string score;
    arguments.text("--score", score, "S",
                   "the device's score for benchmark-hours; what `raymill bench --save DIR` left in the data folder");
    add_manner(arguments);
    arguments.footer("A coordinator on another host has to know this worker's public key, and this worker the coordinator's: --enrol does "
                     "both. By hand:\n"
                     "\"worker.pub\" in the data folder goes into the coordinator's \"worker_keys\", the coordinator's \"server.pub\" into "
                     "this folder.");
    if (const auto over = arguments.parse()) return *over;
    using Sandbox = farm::WorkerOptions::Sandbox;
    if (sandbox != "off" && sandbox != "best" && sandbox != "required")
        return report({Code::usage, "--sandbox", "it is off, best or required"});
    options.sandbox = sandbox == "off" ? Sandbox::off : sandbox == "best" ? Sandbox::best : Sandbox::required;
    options.data = data;
    if (token.empty() && !(server.server.empty() && server.ca.empty()))
        return report({Code::usage, "--server", "belongs to --enrol; a worker's coordinator is named by --connect"});
    if (!token.empty()) {
        if (options.data.empty()) options.data = farm::default_data_folder() / "worker";
        if (const auto good = enrol(token, options.data, server); !good) return report(good.error());
    }
    options.threads = threads.value_or(0);
    if (cache) options.cache_bytes = std::uint64_t{*cache} << 30;
    if (!score.empty()) {
        const auto [end, error] = std::from_chars(score.data(), score.data() + score.size(), options.score);
        if (error != std::errc() || end != score.data() + score.size() || !(options.score > 0) || options.score > farm::limits::best_score)
            return report({Code::usage, "--score", "is a number above 0, at most a million"});
    }
    const auto worked = farm::work(options);
    return worked ? 0 : report(worked.error());
}

int run_render_process() { return farm::render_process(3, Renderer::open); }

} // namespace raymill::cli
