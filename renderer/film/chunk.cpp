#include "renderer/film/chunk.hpp"

#include "renderer/base/check.hpp"
#include "renderer/base/settings.hpp"
#include "renderer/film/png_stream.hpp"

#include <bit>
#include <charconv>
#include <cmath>
#include <cstdio>

namespace raymill::film {
namespace {

constexpr const char* format_version = "1";

std::string words(Rect rect) {
    char text[64];
    std::snprintf(text, sizeof text, "%u,%u,%u,%u", rect.x, rect.y, rect.width, rect.height);
    return text;
}

void put16(std::uint8_t* at, std::uint32_t value) {
    at[0] = static_cast<std::uint8_t>(value >> 8);
    at[1] = static_cast<std::uint8_t>(value);
}

std::uint32_t get16(const std::uint8_t* at) { return static_cast<std::uint32_t>(at[0]) << 8 | at[1]; }

std::unexpected<Error> bad(const std::string& what) { return fail(Code::bad_input, "chunk", what); }

template<class T> bool parse(const std::string& text, T& value) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size();
}

const std::string* find(const PngText& text, const char* key) {
    for (const auto& [name, value] : text)
        if (name == key) return &value;
    return nullptr;
}

} // namespace

std::size_t max_chunk_bytes(Rect rect) {
    // Deflate falls back to stored blocks: 5 bytes for each 16 KiB at zlib's smallest; a filter byte a row; PNG's frames of 12 bytes for
    // each 64 KiB; and the head with its text.
    const std::size_t raw = (std::size_t{rect.width} * 16 + 1) * rect.height;
    return raw + raw / 1000 + 4096 + max_device_class;
}

Result<std::vector<std::byte>> encode_chunk(const ChunkInfo& info, std::span<const glm::vec4> rgba) {
    CHECK_SAME(rgba.size(), std::size_t{info.rect.width} * info.rect.height);
    CHECK_AT_MOST(info.device_class.size(), max_device_class);
    std::vector<std::byte> file;
    file.reserve(rgba.size() * 14 + 1024);
    PngHeader header{.width = info.rect.width * 2, .height = info.rect.height, .bits = 16, .channels = 4};
    header.text = {{"raymill-chunk", format_version},
                   {"frame", std::to_string(info.frame)},
                   {"rect", words(info.rect)},
                   {"samples", std::to_string(info.samples)},
                   {"device-class", info.device_class}};
    auto writer = PngWriter::open(header, PngPacking::noise, [&file](std::span<const std::byte> bytes) {
        file.insert(file.end(), bytes.begin(), bytes.end());
        return true;
    });
    if (!writer) return std::unexpected(writer.error());

    const std::size_t half = std::size_t{info.rect.width} * 8;
    std::vector<std::uint8_t> row(half * 2);
    for (std::uint32_t y = 0; y < info.rect.height; ++y) {
        for (std::uint32_t x = 0; x < info.rect.width; ++x) {
            const glm::vec4& pixel = rgba[std::size_t{y} * info.rect.width + x];
            for (int c = 0; c < 4; ++c) {
                if (!std::isfinite(pixel[c])) {
                    return fail(Code::failed, "pixel " + std::to_string(info.rect.x + x) + "," + std::to_string(info.rect.y + y),
                                "the renderer gave a value that is not finite");
                }
                const auto bits = std::bit_cast<std::uint32_t>(pixel[c]);
                const std::size_t at = std::size_t{x} * 8 + static_cast<std::size_t>(c) * 2;
                put16(&row[at], bits >> 16);
                put16(&row[half + at], bits & 0xffffU);
            }
        }
        if (auto status = (*writer)->write_row(row); !status) return std::unexpected(status.error());
    }
    if (auto status = (*writer)->finish(); !status) return std::unexpected(status.error());
    return file;
}

struct ChunkReader::State {
    std::unique_ptr<PngReader> png;
    ChunkInfo info;
    std::vector<std::uint8_t> row;
    std::uint32_t rows = 0;
};

ChunkReader::ChunkReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
ChunkReader::ChunkReader(ChunkReader&&) noexcept = default;
ChunkReader& ChunkReader::operator=(ChunkReader&&) noexcept = default;
ChunkReader::~ChunkReader() = default;
const ChunkInfo& ChunkReader::info() const { return state_->info; }

Result<ChunkReader> ChunkReader::open(std::span<const std::byte> file, Rect expected) {
    CHECK_BELOW(0U, expected.width);
    CHECK_BELOW(0U, expected.height);
    CHECK_AT_MOST(expected.width, SettingsLimits::max_edge);
    if (file.size() > max_chunk_bytes(expected)) return bad(std::to_string(file.size()) + " bytes are more than such a tile can need");
    auto png = PngReader::open(file, {.max_width = expected.width * 2, .max_height = expected.height, .max_text = 4096});
    if (!png) return std::unexpected(png.error().within("chunk"));
    const PngHeader& header = (*png)->header();
    if (header.width != expected.width * 2 || header.height != expected.height || header.bits != 16 || header.channels != 4) {
        return bad("16-bit RGBA of " + std::to_string(expected.width * 2) + " x " + std::to_string(expected.height) +
                   " pixels was expected");
    }
    auto state = std::make_unique<State>();
    state->info.rect = expected;
    const auto* version = find(header.text, "raymill-chunk");
    const auto* frame = find(header.text, "frame");
    const auto* rect = find(header.text, "rect");
    const auto* samples = find(header.text, "samples");
    const auto* device_class = find(header.text, "device-class");
    if (version == nullptr || *version != format_version) return bad(std::string("not of chunk format ") + format_version);
    if (frame == nullptr || !parse(*frame, state->info.frame)) return bad("its frame number is missing or not a number");
    if (samples == nullptr || !parse(*samples, state->info.samples)) return bad("its samples are missing or not a number");
    if (rect == nullptr || *rect != words(expected)) return bad("it is of rectangle " + (rect ? *rect : "?") + ", not " + words(expected));
    if (device_class == nullptr || device_class->size() > max_device_class) return bad("its device class is missing or too long");
    state->info.device_class = *device_class;
    state->png = std::move(*png);
    state->row.resize(std::size_t{expected.width} * 16);
    return ChunkReader(std::move(state));
}

Status ChunkReader::read_row(std::span<glm::vec4> row) {
    State& state = *state_;
    CHECK_SAME(row.size(), std::size_t{state.info.rect.width});
    if (auto status = state.png->read_row(state.row); !status) return std::unexpected(status.error().within("chunk"));
    const std::size_t half = state.row.size() / 2;
    for (std::size_t x = 0; x < row.size(); ++x) {
        for (int c = 0; c < 4; ++c) {
            const std::size_t at = x * 8 + static_cast<std::size_t>(c) * 2;
            const float value = std::bit_cast<float>(get16(&state.row[at]) << 16 | get16(&state.row[half + at]));
            if (!std::isfinite(value)) {
                return bad("pixel " + std::to_string(state.info.rect.x + x) + "," + std::to_string(state.info.rect.y + state.rows) +
                           " is not finite");
            }
            row[x][c] = value;
        }
    }
    if (++state.rows < state.info.rect.height) return {};
    if (auto status = state.png->finish(); !status) return std::unexpected(status.error().within("chunk"));
    return {};
}

Result<Chunk> decode_chunk(std::span<const std::byte> file, Rect expected) {
    auto reader = ChunkReader::open(file, expected);
    if (!reader) return std::unexpected(reader.error());
    Chunk chunk{reader->info(), std::vector<glm::vec4>(std::size_t{expected.width} * expected.height)};
    for (std::uint32_t y = 0; y < expected.height; ++y) {
        if (auto status = reader->read_row(std::span(chunk.rgba).subspan(std::size_t{y} * expected.width, expected.width)); !status) {
            return std::unexpected(status.error());
        }
    }
    return chunk;
}

} // namespace raymill::film
