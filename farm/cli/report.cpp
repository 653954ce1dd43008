#include "farm/cli/report.hpp"

#include "farm/cli/interrupt.hpp"
#include "farm/cli/progress.hpp"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace raymill::cli {
namespace {

std::string one_line(std::string text) {
    for (char& c : text)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
    return text;
}

} // namespace

int exit_status(Code code) {
    switch (code) {
    case Code::usage:
        return 2;
    case Code::bad_input:
    case Code::unsupported:
        return 3;
    case Code::unreachable:
    case Code::refused:
        return 4;
    case Code::no_device:
        return 5;
    case Code::device_lost:
    case Code::io:
    case Code::failed:
        return 1;
    }
    return 1;
}

int report(const Error& error) {
    const bool stopped = Interrupt::signal() != 0 && error.code == Code::failed;
    const auto line = one_line(error.message());
    if (stopped && Interrupt::signal() == SIGPIPE) return 128 + SIGPIPE; // "raymill jobs | head -1": nobody is there to be told
    Progress::clear();
    std::fprintf(stderr, "raymill: %s\n", line.c_str());
    if (manner().json) {
        const nlohmann::json object = {{"event", "error"}, {"error", {{"code", name_of(error.code)}, {"message", line}}}};
        print_line(object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    }
    return stopped ? 128 + Interrupt::signal() : exit_status(error.code);
}

void say(const std::string& text) {
    if (manner().quiet) return;
    Progress::clear();
    std::fprintf(stderr, "raymill: %s\n", one_line(text).c_str());
}

void print_line(const std::string& line) {
    Progress::clear();
    std::fwrite(line.data(), 1, line.size(), stdout);
    std::fputc('\n', stdout);
    if (std::fflush(stdout) != 0 && errno == EPIPE) Interrupt::output_lost();
}

Manner& manner() {
    static Manner one;
    return one;
}

} // namespace raymill::cli
