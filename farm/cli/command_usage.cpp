// raymill usage: who used what, by tenant, job or day.
#include "farm/cli/commands.hpp"
#include "farm/cli/interrupt.hpp"
#include "farm/cli/report.hpp"
#include "farm/cli/server.hpp"

#include <cstdio>

namespace raymill::cli {

int run_usage(Arguments& arguments) {
    std::string by = "job", job, from, to;
    bool csv = false;
    ServerOptions options;
    arguments.text("--by", by, "tenant|job|day", "what to sum by (job)");
    arguments.text("--job", job, "JOB", "of one job only");
    arguments.text("--from", from, "YYYY-MM-DD", "from this day on (UTC)");
    arguments.text("--to", to, "YYYY-MM-DD", "to this day, with it");
    arguments.flag("--csv", csv, "comma-separated, with a heading");
    add_server(arguments, options);
    arguments.footer(
        "Accepted tiles only. A benchmark-hour is an hour of a device that makes a million samples a second (\"raymill bench\").\n"
        "Device-seconds of hosts without a score are in no benchmark-hour; they stand under \"unscored\".");
    if (const auto over = arguments.parse()) return *over;
    for (const auto* word : {&by, &job, &from, &to})
        for (const char c : *word)
            if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-'))
                return report({Code::usage, word->substr(0, 40), "has a character that none of these has"});
    const Interrupt interrupt;
    const auto server = Server::find(options, interrupt.token());
    if (!server) return report(server.error());
    const auto query = "by=" + by + "&job=" + job + "&from=" + from + "&to=" + to;
    if (csv) {
        const auto text = server->client().usage_csv(query);
        if (!text) return report(text.error());
        std::fputs(text->c_str(), stdout);
        return 0;
    }
    const auto rows = server->client().usage(query);
    if (!rows) return report(rows.error());
    if (!manner().json)
        print_line("tenant            job / day             tiles   frames     device s  unscored s     bench h        MiB");
    for (const auto& u : *rows) {
        char text[160];
        std::snprintf(text, sizeof text, "%-16.16s  %-16.16s  %9llu  %7llu  %11.2f  %10.2f  %10.5f  %9.1f", u.tenant.c_str(),
                      (u.job + u.day).c_str(), static_cast<unsigned long long>(u.tiles), static_cast<unsigned long long>(u.frames),
                      u.device_s, u.unscored_s, u.bench_h, static_cast<double>(u.bytes) / 1048576);
        print_line(manner().json ? u.json : text);
    }
    return 0;
}

} // namespace raymill::cli
