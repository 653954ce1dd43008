#pragma once
/// farm/cli: `raymill`, one binary with subcommands, one file each. May use every other room; nothing uses it.
/// This file: one command's options, declared where they are used. CLI11 is seen in arguments.cpp only.
#include "renderer/base/error.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace raymill::cli {

class Arguments {
  public:
    /// `words` are what stands after the command's name; `help` is the command's one line.
    Arguments(std::string_view command, std::string_view help, std::span<char* const> words);
    ~Arguments();
    Arguments(const Arguments&) = delete;
    Arguments& operator=(const Arguments&) = delete;

    // What is declared below must outlive parse(). `names` is "-o,--output" or "--spp". Each may be given once. A value may begin with a
    // minus sign.
    void flag(const std::string& names, bool& into, const std::string& help);
    void text(const std::string& names, std::string& into, const std::string& placeholder, const std::string& help);
    void number(const std::string& names, std::optional<unsigned>& into, unsigned least, unsigned most, const std::string& help);
    /// A word that stands by itself and has to be given.
    void positional(const std::string& name, std::string& into, const std::string& help);
    /// One or more of them.
    void positionals(const std::string& name, std::vector<std::string>& into, const std::string& help);
    /// Any number of them, none as well.
    void some(const std::string& name, std::vector<std::string>& into, const std::string& help);
    /// Every render setting under its own name; those given are in `words` after parse().
    void settings(std::map<std::string, std::string>& words);
    /// Options after this stand under `title` in the help.
    void group(const std::string& title);
    /// Text at the help's end.
    void footer(const std::string& text);

    /// Reads the words. A value: the command is over with that exit status (help was asked for, or something is wrong and has been said).
    std::optional<int> parse();

    [[nodiscard]] const std::string& command() const;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace raymill::cli
