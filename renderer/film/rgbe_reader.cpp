#include "renderer/film/rgbe_reader.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <string>
#include <string_view>

namespace raymill::film {
namespace {

using Rgbe = std::array<std::uint8_t, 4>;

std::unexpected<Error> bad(const std::string& what) { return fail(Code::bad_input, "", what); }

/// Reads forward and never past the end.
class Cursor {
  public:
    explicit Cursor(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}
    [[nodiscard]] std::size_t left() const { return bytes_.size() - at_; }
    /// Up to `size` bytes without going on.
    [[nodiscard]] std::span<const std::uint8_t> peek(std::size_t size) const { return bytes_.subspan(at_, std::min(size, left())); }
    void skip(std::size_t size) { at_ += size; }
    /// False at the end of the file.
    bool take(std::uint8_t& byte) {
        if (left() == 0) return false;
        byte = bytes_[at_++];
        return true;
    }
    bool take(Rgbe& pixel) {
        if (left() < 4) return false;
        for (auto& component : pixel) component = bytes_[at_++];
        return true;
    }
    /// A line without its end; at most 4096 bytes of it.
    bool line(std::string_view& text) {
        const auto ahead = peek(4096);
        for (std::size_t i = 0; i < ahead.size(); ++i) {
            if (ahead[i] != '\n') continue;
            text = {reinterpret_cast<const char*>(ahead.data()), i};
            at_ += i + 1;
            return true;
        }
        return false;
    }

  private:
    std::span<const std::uint8_t> bytes_;
    std::size_t at_ = 0;
};

/// One component after the other, runs (above 128: repeat the next byte) and literals.
bool new_row(Cursor& file, std::span<Rgbe> row) {
    for (std::size_t component = 0; component < 4; ++component) {
        for (std::size_t x = 0; x < row.size();) {
            std::uint8_t count = 0, value = 0;
            if (!file.take(count)) return false;
            const bool run = count > 128;
            const std::size_t length = run ? count - 128U : count;
            if (length == 0 || length > row.size() - x || (run && !file.take(value))) return false;
            for (std::size_t i = 0; i < length; ++i, ++x) {
                if (!run && !file.take(value)) return false;
                row[x][component] = value;
            }
        }
    }
    return true;
}

/// Whole pixels; (1, 1, 1, n) repeats the pixel before it n times, and several in a row shift n by 8 bits each. Flat rows are the case
/// without repeats.
bool old_row(Cursor& file, std::span<Rgbe> row) {
    unsigned shift = 0;
    for (std::size_t x = 0; x < row.size();) {
        Rgbe pixel{};
        if (!file.take(pixel)) return false;
        if (pixel[0] == 1 && pixel[1] == 1 && pixel[2] == 1) {
            if (shift > 16 || x == 0) return false;
            const std::size_t count = std::size_t{pixel[3]} << shift;
            if (count > row.size() - x) return false;
            for (std::size_t i = 0; i < count; ++i, ++x) row[x] = row[x - 1];
            shift += 8;
        } else {
            row[x++] = pixel;
            shift = 0;
        }
    }
    return true;
}

glm::vec3 decoded(const Rgbe& pixel, float scale) {
    if (pixel[3] == 0) return glm::vec3(0);
    const float unit = std::ldexp(scale, static_cast<int>(pixel[3]) - 136);
    return glm::vec3(pixel[0], pixel[1], pixel[2]) * unit;
}

/// "-Y 512 +X 1024"
bool parse_size(std::string_view text, RgbePixels& image, bool& upward, bool& leftward) {
    if (text.size() < 6 || (text[0] != '-' && text[0] != '+') || text[1] != 'Y' || text[2] != ' ') return false;
    upward = text[0] == '+';
    const char* const end = text.data() + text.size();
    const auto [after, error] = std::from_chars(text.data() + 3, end, image.height);
    if (error != std::errc() || end - after < 5 || after[0] != ' ' || (after[1] != '-' && after[1] != '+') || after[2] != 'X' ||
        after[3] != ' ') {
        return false;
    }
    leftward = after[1] == '-';
    const auto [last, error2] = std::from_chars(after + 4, end, image.width);
    return error2 == std::errc() && last == end;
}

} // namespace

Result<RgbePixels> decode_rgbe(std::span<const std::uint8_t> file, std::uint32_t max_width, std::uint32_t max_height) {
    Cursor cursor(file);
    std::string_view line;
    if (!cursor.line(line) || !line.starts_with("#?")) return bad("not a Radiance picture");
    double exposure = 1;
    for (int count = 0;; ++count) {
        if (!cursor.line(line) || count > 1000) return bad("its header has no end");
        if (line.empty()) break;
        if (line.starts_with("FORMAT=") && line != "FORMAT=32-bit_rle_rgbe") {
            return bad("its FORMAT is \"" + std::string(line.substr(7, 40)) + "\"; only 32-bit_rle_rgbe is read");
        }
        if (line.starts_with("EXPOSURE=")) {
            const auto digits = line.substr(line.find_first_not_of(' ', 9) == line.npos ? line.size() : line.find_first_not_of(' ', 9));
            double value = 0;
            const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
            if (error != std::errc() || !(value > 0) || !std::isfinite(value)) return bad("its EXPOSURE is not a number above 0");
            exposure *= value;
        }
    }
    RgbePixels image;
    bool upward = false, leftward = false;
    if (!cursor.line(line) || !parse_size(line, image, upward, leftward)) {
        return bad("its size is not written as \"-Y height +X width\" (or +Y, -X): \"" + std::string(line.substr(0, 40)) + "\"");
    }
    if (image.width < 1 || image.height < 1 || image.width > max_width || image.height > max_height) {
        return bad("it is " + std::to_string(image.width) + " x " + std::to_string(image.height) + " pixels; at most " +
                   std::to_string(max_width) + " x " + std::to_string(max_height) + " are read");
    }
    // Runs of 127 cost two bytes a component; old repeats can be longer. A file shorter than this cannot hold its pixels.
    if (std::uint64_t{image.width} * image.height / 4096 > cursor.left()) return bad("it ends long before its last row");
    if (!(exposure > 1e-30 && exposure < 1e30)) return bad("its EXPOSURE lines multiply to a number out of range");
    const auto scale = static_cast<float>(1 / exposure);

    image.rgb.resize(std::size_t{image.width} * image.height);
    std::vector<Rgbe> row(image.width);
    for (std::uint32_t y = 0; y < image.height; ++y) {
        const auto head = cursor.peek(4);
        const bool is_new = image.width >= 8 && image.width < 32768 && head.size() == 4 && head[0] == 2 && head[1] == 2 &&
                            (head[2] << 8 | head[3]) == static_cast<int>(image.width);
        if (is_new) cursor.skip(4);
        if (!(is_new ? new_row(cursor, row) : old_row(cursor, row)))
            return bad("row " + std::to_string(y) + " is cut off or not run-length coded as it should be");
        const std::size_t first = std::size_t{upward ? image.height - 1 - y : y} * image.width;
        for (std::uint32_t x = 0; x < image.width; ++x) image.rgb[first + (leftward ? image.width - 1 - x : x)] = decoded(row[x], scale);
    }
    return image;
}

} // namespace raymill::film
