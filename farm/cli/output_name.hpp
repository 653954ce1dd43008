#pragma once
/// -o: where frames go, and as which kind of file.
#include "renderer/base/error.hpp"

#include <cstdint>
#include <filesystem>
#include <string>

namespace raymill::cli {

/// "x.png" or "x.exr", in its last part at most one place for the frame's number: a run of '#' (padded with zeros to its length) or "%d",
/// "%4d",
/// "%04d" ("%%" is a percent sign then). Several frames into a name without a place: the number goes before the ending, "x.0001.png".
/// An existing folder stands for FOLDER/STEM.FORMAT.
class OutputName {
  public:
    /// `stem` and `format` ("png", "exr") complete the name where `text` is a folder. Code::usage for an unknown ending or two places.
    static Result<OutputName> parse(const std::string& text, const std::string& stem, const std::string& format);

    [[nodiscard]] const std::string& format() const { return format_; }
    /// The file of one frame of a job; `many`: the job has more than one.
    [[nodiscard]] std::filesystem::path of(std::int32_t frame, bool many) const;
    /// The files of a job as one text: that of its only frame, or the name with '#' for the numbers.
    [[nodiscard]] std::string pattern(std::int32_t first_frame, bool many) const;
    /// Whether files can be made there: the folder exists and may be written to, and the name is no folder. Code::io; asked before any work
    /// is done.
    [[nodiscard]] Status check(std::int32_t first_frame, bool many) const;

  private:
    std::filesystem::path folder_;
    std::string before_, after_; ///< round the number, in the name's last part
    std::string format_;
    int digits_ = 0;     ///< least digits of the number
    bool place_ = false; ///< whether the name has a place for it
};

} // namespace raymill::cli
