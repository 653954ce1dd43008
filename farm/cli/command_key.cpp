// raymill key: who may come in. A key's token is printed once, by "make".
#include "farm/cli/commands.hpp"
#include "farm/cli/interrupt.hpp"
#include "farm/cli/json_line.hpp"
#include "farm/cli/operators.hpp"

#include <ctime>

namespace raymill::cli {
namespace {

std::string day_of(std::int64_t us) {
    const auto seconds = static_cast<std::time_t>(us / 1'000'000);
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    char text[32];
    return {text, std::strftime(text, sizeof text, "%Y-%m-%d %H:%M", &parts)};
}

int list(Operators& operators) {
    const auto answer = operators.keys();
    if (!answer) return report(answer.error());
    const auto root = nlohmann::json::parse(*answer);
    const auto text = [](const nlohmann::json& from, const char* name) {
        return from.contains(name) && from[name].is_string() ? from[name].get<std::string>() : std::string();
    };
    for (const auto& key : root.value("keys", nlohmann::json::array())) {
        if (manner().json) {
            print_json(key);
            continue;
        }
        const bool ends = key.contains("expires_us") && key["expires_us"].is_number_integer();
        print_line(text(key, "id") + "  " + text(key, "scope") + (text(key, "tenant").empty() ? "" : " of " + text(key, "tenant")) +
                   "  made " + day_of(key.value("created_us", std::int64_t{0})) +
                   (ends ? "  until " + day_of(key["expires_us"].get<std::int64_t>()) : "") +
                   (text(key, "note").empty() ? "" : "  " + text(key, "note")));
    }
    for (const auto& worker : root.value("workers", nlohmann::json::array())) {
        if (manner().json)
            print_json(worker);
        else
            print_line("worker " + text(worker, "public_key") + "  " + text(worker, "note"));
    }
    return 0;
}

} // namespace

int run_key(Arguments& arguments) {
    OperatorOptions options;
    std::vector<std::string> words;
    std::string scope, tenant, note;
    std::optional<unsigned> days;
    arguments.some("list | make | revoke ID", words, "what to do; \"list\" where nothing is said. ID: a key's, or a worker's public key");
    arguments.text("--scope", scope, "SCOPE", "of a new key: submit (the default with --tenant), read, operator or worker");
    arguments.text("--tenant", tenant, "NAME", "whose key it is (submit, read)");
    arguments.number("--days", days, 1, 3660, "how long it is good; without it until it is revoked (worker: an hour, and once)");
    arguments.text("--note", note, "WORDS", "for whom it is, so that one finds it in the list");
    add_operators(arguments, options);
    arguments.footer("The token of a new key is printed once and is nowhere afterwards: the farm keeps its hash. \"submit\" may read too; "
                     "\"operator\" runs\n"
                     "the farm and sees no tenant's jobs; \"worker\" brings one worker in: raymill worker --enrol TOKEN.");
    if (const auto over = arguments.parse()) return *over;
    const auto verb = words.empty() ? std::string("list") : words[0];
    if ((verb != "list" && verb != "make" && verb != "revoke") || words.size() > (verb == "revoke" ? 2u : 1u) ||
        (verb == "revoke" && words.size() != 2))
        return report({Code::usage, "key", "it is \"list\", \"make\" or \"revoke ID\"; see raymill key --help"});
    if (verb != "make" && !(scope.empty() && tenant.empty() && note.empty() && !days))
        return report({Code::usage, "key " + verb, "--scope, --tenant, --days and --note belong to \"make\""});
    const Interrupt interrupt;
    auto operators = Operators::find(options, interrupt.token());
    if (!operators) return report(operators.error());
    if (verb == "list") return list(*operators);
    if (verb == "revoke") {
        const auto answer = operators->revoke_key(words[1]);
        if (!answer) return report(answer.error());
        if (manner().json) print_line(*answer);
        say("key " + words[1] + " is good for nothing any more");
        return 0;
    }
    if (scope.empty() && !tenant.empty()) scope = "submit";
    if (farm::scope_named(scope) == nullptr)
        return report({Code::usage, "--scope", "it is submit, read, operator or worker; or give --tenant NAME for a key of scope submit"});
    nlohmann::json wish{{"scope", scope}};
    if (!tenant.empty()) wish["tenant"] = tenant;
    if (!note.empty()) wish["note"] = note;
    if (days) wish["expires_s"] = std::uint64_t{*days} * 24 * 3600;
    const auto answer = operators->make_key(wish.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    if (!answer) return report(answer.error());
    if (manner().json) {
        print_line(*answer);
        return 0;
    }
    print_line(nlohmann::json::parse(*answer).value("token", ""));
    say("this token is shown once; whoever has it has what the key may do (scope " + scope + ")");
    return 0;
}

} // namespace raymill::cli
