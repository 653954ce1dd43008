#include "farm/cli/arguments.hpp"

#include "farm/cli/report.hpp"
#include "renderer/base/settings.hpp"

#include <CLI/CLI.hpp>

#include <charconv>
#include <cstdio>
#include <deque>

namespace raymill::cli {

struct Arguments::Impl {
    std::string command;
    std::vector<std::string> words; ///< last first, as CLI11 takes them
    CLI::App app;
    std::string group = "Options";
    std::deque<std::string> values; ///< of numbers and settings, until they are checked
    std::vector<std::function<Status()>> checks;

    Impl(std::string_view c, std::string_view help) : command(c), app(std::string(help), "raymill " + command) {}

    CLI::Option* text(const std::string& names, std::string& into, const std::string& placeholder, const std::string& help) {
        auto* option = app.add_option(names, into, help)->type_name(placeholder)->group(group);
        // The next word is the value even where it begins with a minus sign; but that of another option is a value forgotten.
        checks.emplace_back([this, option, &into]() -> Status {
            if (option->count() > 0 && into.size() > 2 && into.starts_with("--") && app.get_option_no_throw(into) != nullptr)
                return fail(Code::usage, option->get_name(), "needs a value; \"" + into + "\" is an option itself");
            return {};
        });
        return option;
    }
};

Arguments::Arguments(std::string_view command, std::string_view help, std::span<char* const> words)
    : impl_(std::make_unique<Impl>(command, help)) {
    impl_->words.assign(words.rbegin(), words.rend());
    impl_->app.set_help_flag("-h,--help", "says this");
    impl_->app.get_formatter()->column_width(42);
}

Arguments::~Arguments() = default;
const std::string& Arguments::command() const { return impl_->command; }
void Arguments::group(const std::string& title) { impl_->group = title; }
void Arguments::footer(const std::string& text) { impl_->app.footer(text); }

void Arguments::flag(const std::string& names, bool& into, const std::string& help) {
    impl_->app.add_flag(names, into, help)->group(impl_->group);
}

void Arguments::text(const std::string& names, std::string& into, const std::string& placeholder, const std::string& help) {
    impl_->text(names, into, placeholder, help);
}

void Arguments::number(const std::string& names, std::optional<unsigned>& into, unsigned least, unsigned most, const std::string& help) {
    auto& word = impl_->values.emplace_back();
    auto* option = impl_->text(names, word, "N", help);
    impl_->checks.emplace_back([&word, &into, option, least, most]() -> Status {
        if (option->count() == 0) return {};
        unsigned value = 0;
        const auto [end, fault] = std::from_chars(word.data(), word.data() + word.size(), value);
        if (fault != std::errc() || end != word.data() + word.size() || value < least || value > most)
            return fail(Code::usage, option->get_name(),
                        "\"" + word + "\" is not a whole number from " + std::to_string(least) + " to " + std::to_string(most));
        into = value;
        return {};
    });
}

void Arguments::positional(const std::string& name, std::string& into, const std::string& help) {
    impl_->app.add_option(name, into, help)->required()->type_name("");
}

void Arguments::positionals(const std::string& name, std::vector<std::string>& into, const std::string& help) {
    impl_->app.add_option(name, into, help)->required()->expected(1, -1)->type_name("");
}

void Arguments::some(const std::string& name, std::vector<std::string>& into, const std::string& help) {
    impl_->app.add_option(name, into, help)->expected(0, -1)->type_name("");
}

void Arguments::settings(std::map<std::string, std::string>& words) {
    const auto group_before = std::exchange(impl_->group, "Render settings");
    for (const auto& info : setting_infos()) {
        const std::string name(info.name);
        if (info.placeholder.empty()) {
            impl_->app
                .add_flag_callback(
                    "--" + name, [&words, name] { words[name] = "true"; }, std::string(info.help))
                ->group(impl_->group);
            continue;
        }
        auto& word = impl_->values.emplace_back();
        auto* option = impl_->text("--" + name, word, std::string(info.placeholder), std::string(info.help));
        impl_->checks.emplace_back([&words, &word, name, option]() -> Status {
            if (option->count() == 0) return {};
            Settings unused;
            if (auto good = set(unused, name, word); !good)
                return std::unexpected(Error{good.error().code, "--" + good.error().where, good.error().what});
            words[name] = word;
            return {};
        });
    }
    impl_->group = group_before;
}

std::optional<int> Arguments::parse() {
    auto& app = impl_->app;
    const auto see = "; see raymill " + impl_->command + " --help";
    const auto usage = [&](const std::string& where, const std::string& what) { return report(Error{Code::usage, where, what}); };
    try {
        app.parse(impl_->words);
    } catch (const CLI::CallForHelp&) {
        std::fputs(app.help().c_str(), stdout);
        return 0;
    } catch (const CLI::ExtrasError&) {
        const auto extra = app.remaining(true);
        const auto word = extra.empty() ? std::string() : extra.front();
        return usage(word,
                     (word.starts_with("-") ? "is not an option of raymill " : "is one word too many for raymill ") + impl_->command + see);
    } catch (const CLI::RequiredError& error) {
        return usage(impl_->command, std::string(error.what()) + see);
    } catch (const CLI::ParseError& error) {
        std::string what = error.what();
        for (char& c : what)
            if (static_cast<unsigned char>(c) < 0x20) c = ' ';
        return usage(impl_->command, what + see);
    }
    for (const auto& check : impl_->checks)
        if (const auto good = check(); !good) return report(good.error());
    return std::nullopt;
}

} // namespace raymill::cli
