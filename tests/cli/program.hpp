#pragma once
// The real binary as a child process, with what it says.
#include <cstddef>
#include <map>
#include <string>
#include <sys/types.h>
#include <vector>

namespace raymill::test {

struct Said {
    int status = -1; ///< exit status; 128 plus the signal's number where a signal ended it
    std::string out, err;
};

/// A running raymill. Its environment has no RAYMILL_* but those given, and its user folders lie in `home`.
class Program {
  public:
    Program(const std::vector<std::string>& words, const std::string& home, const std::map<std::string, std::string>& environment = {});
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;
    ~Program(); ///< kills it and waits

    void signal(int number) const;
    /// Reads what it says until its end.
    Said wait();
    /// Reads its stderr until `text` has come; false where it ended before.
    bool wait_for(const std::string& text);
    /// What was read so far.
    [[nodiscard]] const Said& said() const { return said_; }
    [[nodiscard]] pid_t pid() const { return pid_; }

  private:
    bool read_some();
    pid_t pid_ = -1;
    int out_ = -1, err_ = -1;
    Said said_;
    bool over_ = false;
};

/// Runs it to its end.
Said raymill(const std::vector<std::string>& words, const std::string& home = "/nonexistent",
             const std::map<std::string, std::string>& environment = {});

/// Processes that have `word` somewhere in their command line, without this one.
std::vector<pid_t> processes_with(const std::string& word);

/// Lines of text.
std::vector<std::string> lines_of(const std::string& text);

} // namespace raymill::test
