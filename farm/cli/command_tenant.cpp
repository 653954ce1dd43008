// raymill tenant: the customers of a farm.
#include "farm/cli/commands.hpp"
#include "farm/cli/interrupt.hpp"
#include "farm/cli/json_line.hpp"
#include "farm/cli/operators.hpp"

namespace raymill::cli {

int run_tenant(Arguments& arguments) {
    OperatorOptions options;
    std::vector<std::string> words;
    arguments.some("list | add NAME | remove NAME", words, "what to do; \"list\" where nothing is said");
    add_operators(arguments, options);
    arguments.footer(
        "A tenant's scenes and jobs are its own: no other tenant can see, list, guess or reuse them. \"remove\" takes the tenant's keys\n"
        "with it, so that nobody comes in under its name; what it stored stays.");
    if (const auto over = arguments.parse()) return *over;
    const auto verb = words.empty() ? std::string("list") : words[0];
    const bool named = verb == "add" || verb == "remove";
    if ((verb != "list" && !named) || words.size() != (named ? 2u : words.empty() ? 0u : 1u))
        return report({Code::usage, "tenant", "it is \"list\", \"add NAME\" or \"remove NAME\"; see raymill tenant --help"});
    if (named)
        if (const auto good = farm::check_tenant_name(words[1]); !good) return report(good.error());
    const Interrupt interrupt;
    auto operators = Operators::find(options, interrupt.token());
    if (!operators) return report(operators.error());
    const auto answer = verb == "add"      ? operators->add_tenant(words[1])
                        : verb == "remove" ? operators->remove_tenant(words[1])
                                           : operators->tenants();
    if (!answer) return report(answer.error());
    if (named) {
        if (manner().json)
            print_line(*answer);
        else
            say("tenant " + words[1] +
                (verb == "add" ? " is there; \"raymill key make --tenant " + words[1] + "\" gives it a key"
                               : " is gone, and its keys with it"));
        return 0;
    }
    const auto root = nlohmann::json::parse(*answer);
    for (const auto& tenant : root.value("tenants", nlohmann::json::array()))
        if (manner().json)
            print_json(tenant);
        else
            print_line(tenant.value("name", "") + "  " + std::to_string(tenant.value("keys", 0u)) + " keys");
    return 0;
}

} // namespace raymill::cli
