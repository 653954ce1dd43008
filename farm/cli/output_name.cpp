#include "farm/cli/output_name.hpp"

#include <algorithm>
#include <cstdio>
#include <optional>
#include <unistd.h>

namespace raymill::cli {
namespace {

constexpr int most_digits = 16;

std::string number(std::int32_t frame, int digits) {
    char text[32];
    std::snprintf(text, sizeof text, "%0*d", digits, frame);
    return text;
}

} // namespace

Result<OutputName> OutputName::parse(const std::string& text, const std::string& stem, const std::string& format) {
    const auto bad = [&](const std::string& what) { return fail(Code::usage, text, what); };
    if (text.empty()) return fail(Code::usage, "-o", "the name is empty; give FILE.png or FILE.exr");
    OutputName out;
    std::error_code fault;
    std::filesystem::path path(text);
    if (std::filesystem::is_directory(path, fault)) {
        out.folder_ = path, out.before_ = stem, out.after_ = "." + format, out.format_ = format;
        return out;
    }
    if (text.back() == '/') return bad("there is no such folder; make it first");
    out.folder_ = path.parent_path();

    std::string ending = path.extension().string();
    std::ranges::transform(ending, ending.begin(), [](char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c); });
    if (ending != ".png" && ending != ".exr") return bad("the name must end in .png or .exr, which chooses the kind of file");
    out.format_ = ending.substr(1);

    // In one pass over the last part: literal text goes to before_, after the place to after_.
    const std::string name = path.filename().string();
    std::string* literal = &out.before_;
    for (std::size_t i = 0; i < name.size();) {
        std::optional<int> digits;
        std::size_t end = i;
        if (name[i] == '#') {
            while (end < name.size() && name[end] == '#') ++end;
            if (end - i > most_digits) return bad("more than 16 '#' are no frame number");
            digits = static_cast<int>(end - i);
        } else if (name[i] == '%') {
            if (i + 1 < name.size() && name[i + 1] == '%') {
                *literal += '%';
                i += 2;
                continue;
            }
            end = i + 1;
            int width = 0;
            while (end < name.size() && name[end] >= '0' && name[end] <= '9' && width <= most_digits)
                width = width * 10 + (name[end++] - '0');
            if (end >= name.size() || name[end] != 'd' || width > most_digits)
                return bad("'%' stands for a frame number as in %04d (at most %16d); write %% for a percent sign");
            ++end;
            digits = std::max(width, 1);
        }
        if (!digits) {
            *literal += name[i++];
            continue;
        }
        if (out.place_) return bad("the name has two places for the frame's number; one is enough");
        out.place_ = true;
        out.digits_ = *digits;
        literal = &out.after_;
        i = end;
    }
    if (!out.place_) {
        out.after_ = path.extension().string();
        out.before_.resize(out.before_.size() - out.after_.size());
    }
    return out;
}

std::filesystem::path OutputName::of(std::int32_t frame, bool many) const {
    if (place_) return folder_ / (before_ + number(frame, digits_) + after_);
    return folder_ / (many ? before_ + "." + number(frame, 4) + after_ : before_ + after_);
}

std::string OutputName::pattern(std::int32_t first_frame, bool many) const {
    if (!many) return of(first_frame, many).string();
    const auto hashes = std::string(static_cast<std::size_t>(place_ ? digits_ : 4), '#');
    return (folder_ / (place_ ? before_ + hashes + after_ : before_ + "." + hashes + after_)).string();
}

Status OutputName::check(std::int32_t first_frame, bool many) const {
    const auto folder = folder_.empty() ? std::filesystem::path(".") : folder_;
    std::error_code fault;
    if (!std::filesystem::is_directory(folder, fault))
        return fail(Code::io, folder.string(), "there is no such folder to write to; make it first");
    if (::access(folder.c_str(), W_OK | X_OK) != 0)
        return fail(Code::io, folder.string(), "no file can be made in this folder; choose another or change its rights");
    const auto file = of(first_frame, many);
    if (file.filename().string().size() > 255)
        return fail(Code::usage, file.string().substr(0, 80) + "...", "the name is longer than 255 bytes");
    if (std::filesystem::is_directory(file, fault)) return fail(Code::io, file.string(), "is a folder");
    return {};
}

} // namespace raymill::cli
