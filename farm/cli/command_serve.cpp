// raymill serve: the coordinator, until it is told to end.
#include "farm/cli/commands.hpp"
#include "farm/cli/config_file.hpp"
#include "farm/cli/json_line.hpp"
#include "farm/cli/server.hpp"
#include "farm/coordinator/serve.hpp"

namespace raymill::cli {

int run_serve(Arguments& arguments) {
    farm::ServeOptions options;
    std::string config, data, http, workers_at, tls_certificate, tls_key;
    arguments.text("--config", config, "FILE", "a TOML file with data, http, workers-at, tls-cert and tls-key; options given here win");
    arguments.text("--data", data, "DIR", "where all state is kept; the user's data folder");
    arguments.text("--http", http, "ADDR:PORT", "for people: 127.0.0.1:8080; port 0 takes a free one");
    arguments.text("--workers-at", workers_at, "tcp://ADDR:PORT",
                   "for workers: tcp://127.0.0.1:8081, and the port after it; port 0 takes free ones");
    arguments.text("--tls-cert", tls_certificate, "FILE", "a certificate (PEM, with its chain): HTTP becomes HTTPS");
    arguments.text("--tls-key", tls_key, "FILE", "the certificate's key (PEM, readable by its owner only)");
    arguments.flag("--plain-http", options.plain_http, "no TLS beyond loopback either: something in front of it does that");
    add_manner(arguments);
    arguments.footer("On loopback the same user's clients and workers need no keys. On any other address nobody gets in before \"raymill "
                     "key make\" made a\n"
                     "key for him, and HTTP is HTTPS: with the certificate given, or with one that the server makes for itself; then the "
                     "address it prints\n"
                     "ends in #sha256:..., by which clients know it.");
    if (const auto over = arguments.parse()) return *over;
    if (!config.empty()) {
        std::string file_data;
        const auto typed = std::pair(tls_certificate, tls_key);
        const auto read = read_config(config, {{"data", &file_data},
                                               {"http", &options.http},
                                               {"workers-at", &options.workers_at},
                                               {"tls-cert", &tls_certificate},
                                               {"tls-key", &tls_key}});
        if (!read) return report(read.error());
        options.data = file_data;
        if (!typed.first.empty()) tls_certificate = typed.first;
        if (!typed.second.empty()) tls_key = typed.second;
    }
    options.tls_certificate = tls_certificate;
    options.tls_key = tls_key;
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
