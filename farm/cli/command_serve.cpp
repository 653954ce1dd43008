// raymill serve: the coordinator, until it is told to end.
#include "farm/cli/commands.hpp"
#include "farm/cli/config_file.hpp"
#include "farm/cli/json_line.hpp"
#include "farm/cli/server.hpp"
#include "farm/coordinator/serve.hpp"

namespace raymill::cli {

int run_serve(Arguments& arguments) {
    std::string config, data, http, workers_at;
    arguments.text("--config", config, "FILE", "a TOML file with data, http and workers-at; options given here win");
    arguments.text("--data", data, "DIR", "where all state is kept; the user's data folder");
    arguments.text("--http", http, "ADDR:PORT", "for people: 127.0.0.1:8080; port 0 takes a free one");
    arguments.text("--workers-at", workers_at, "tcp://ADDR:PORT",
                   "for workers: tcp://127.0.0.1:8081, and the port after it; port 0 takes free ones");
    add_manner(arguments);
    arguments.footer(
        "On loopback the same user's clients and workers need no keys. On any other address the folder must hold \"tokens\" (a line\n"
        "\"TENANT TOKEN\" for each) and \"worker_keys\" (a worker's public key a line): nobody gets in by default. HTTP is not encrypted;\n"
        "across a network it belongs behind a TLS proxy.");
    if (const auto over = arguments.parse()) return *over;
    farm::ServeOptions options;
    if (!config.empty()) {
        std::string file_data;
        const auto read = read_config(config, {{"data", &file_data}, {"http", &options.http}, {"workers-at", &options.workers_at}});
        if (!read) return report(read.error());
        options.data = file_data;
    }
    if (!data.empty()) options.data = data;
    if (!http.empty()) options.http = http;
    if (!workers_at.empty()) options.workers_at = workers_at;
    if (manner().json)
        options.on_ready = [](const farm::ServeAddresses& at) {
            print_json({{"event", "ready"}, {"http", at.http}, {"workers_at", at.workers}});
        };
    const auto served = farm::serve(options);
    return served ? 0 : report(served.error());
}

} // namespace raymill::cli
