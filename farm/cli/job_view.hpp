#pragma once
/// Jobs in words, for people; and a job's end as an exit status.
#include "farm/client/client.hpp"

#include <string>

namespace raymill::cli {

/// "3f2a…  running   12/48 frames   310/1200 tiles  hall".
std::string line_of(const farm::client::JobInfo& job);
/// Everything, a line each, without a last line feed.
std::string lines_of(const farm::client::JobInfo& job);

/// Camera paths of all the job's frames together, from its settings; for the samples a second of a progress bar.
double samples_of(const farm::client::JobInfo& job);

/// Says the notes (what is not drawn as meant) that were not said before; each is said once.
class Notes {
  public:
    void say_new(const std::vector<std::string>& notes);

  private:
    std::vector<std::string> said_;
};

/// Says why an ended job has no result; 0 for one that is done.
int end_of(const farm::client::JobInfo& job);

} // namespace raymill::cli
