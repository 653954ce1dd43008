#include "renderer/film/png_stream.hpp"

#include "renderer/base/check.hpp"

#include <png.h>
#include <zlib.h>

#include <algorithm>
#include <csetjmp>
#include <cstring>

namespace raymill::film {
namespace {

/// What libpng's callbacks see. The message is a fixed array, so that nothing is allocated while libpng jumps.
struct Session {
    char message[160] = "";
    PngSink sink;
    std::span<const std::byte> file;
    std::size_t position = 0;
};

[[noreturn]] void on_error(png_structp png, png_const_charp message) {
    auto* session = static_cast<Session*>(png_get_error_ptr(png));
    std::strncpy(session->message, message, sizeof session->message - 1);
    png_longjmp(png, 1);
}

void on_warning(png_structp /*png*/, png_const_charp /*message*/) {} // of ancillary chunks that we do not use

bool give(const PngSink& sink, png_bytep data, std::size_t size) noexcept {
    try {
        return sink({reinterpret_cast<const std::byte*>(data), size});
    } catch (...) {
        return false;
    }
}

void on_write(png_structp png, png_bytep data, std::size_t size) {
    if (!give(static_cast<Session*>(png_get_io_ptr(png))->sink, data, size)) png_error(png, "the bytes could not be kept");
}

void on_flush(png_structp /*png*/) {}

void on_read(png_structp png, png_bytep data, std::size_t size) {
    auto* session = static_cast<Session*>(png_get_io_ptr(png));
    if (size > session->file.size() - session->position) png_error(png, "the file ends too early");
    std::memcpy(data, session->file.data() + session->position, size);
    session->position += size;
}

/// Runs `body`, which only calls libpng, and says whether libpng was content.
template<class Body> [[gnu::noinline]] bool guarded(png_structp png, const Body& body) {
    if (setjmp(png_jmpbuf(png)) != 0) return false;
    body();
    return true;
}

bool is_ascii(const std::string& text) {
    return std::ranges::all_of(text, [](char c) { return c == '\n' || (c >= 32 && c < 127); });
}

/// Checks that the file is PNG's sequence of (length, type, data, checksum) up to IEND and its own end. libpng 1.6 allocates what a chunk's
/// length claims (up to 1 GiB for text) before it reads: after this walk a claim is at most what the file has.
Status walk(std::span<const std::byte> file) {
    std::size_t at = 8;
    for (;;) {
        const std::size_t left = file.size() - at;
        if (left < 12) return fail(Code::bad_input, "PNG", "the file ends too early");
        std::size_t length = 0;
        for (std::size_t i = 0; i < 4; ++i) length = length << 8 | std::to_integer<std::size_t>(file[at + i]);
        if (length > left - 12) return fail(Code::bad_input, "PNG", "the file ends too early, or a part's length is wrong");
        const bool last = std::memcmp(file.data() + at + 4, "IEND", 4) == 0;
        at += 12 + length;
        if (last) break;
    }
    if (at == file.size()) return {};
    return fail(Code::bad_input, "PNG", std::to_string(file.size() - at) + " bytes stand behind the file's end");
}

int color_type(std::uint32_t channels) {
    return channels == 1 ? PNG_COLOR_TYPE_GRAY : channels == 3 ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_RGB_ALPHA;
}

class Writer final : public PngWriter {
  public:
    Writer(const PngHeader& header, PngSink sink) : header_(header) { session_.sink = std::move(sink); }
    ~Writer() override { png_destroy_write_struct(&png_, &info_); }
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;

    Status begin(PngPacking packing) {
        png_ = png_create_write_struct(PNG_LIBPNG_VER_STRING, &session_, on_error, on_warning);
        info_ = png_ != nullptr ? png_create_info_struct(png_) : nullptr;
        if (info_ == nullptr) return fail(Code::failed, "PNG", "libpng could not start (out of memory)");
        std::vector<png_text> texts(header_.text.size());
        for (std::size_t i = 0; i < texts.size(); ++i) {
            auto& [key, value] = header_.text[i];
            texts[i].compression = is_ascii(value) ? PNG_TEXT_COMPRESSION_NONE : PNG_ITXT_COMPRESSION_NONE;
            texts[i].key = key.data();
            texts[i].text = value.data();
            (texts[i].compression == PNG_TEXT_COMPRESSION_NONE ? texts[i].text_length : texts[i].itxt_length) = value.size();
        }
        return checked(guarded(png_, [&] {
            png_set_write_fn(png_, &session_, on_write, on_flush);
            png_set_user_limits(png_, 0x7fffffff, 0x7fffffff);
            png_set_compression_level(png_, packing == PngPacking::picture ? 6 : 1);
            if (packing == PngPacking::noise) png_set_compression_strategy(png_, Z_RLE);
            png_set_filter(png_, 0,
                           packing == PngPacking::noise  ? PNG_FILTER_SUB
                           : packing == PngPacking::fast ? PNG_FILTER_SUB
                                                         : PNG_ALL_FILTERS);
            png_set_compression_buffer_size(png_, 1U << 16);
            png_set_IHDR(png_, info_, header_.width, header_.height, static_cast<int>(header_.bits), color_type(header_.channels),
                         PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
            if (header_.srgb) png_set_sRGB_gAMA_and_cHRM(png_, info_, PNG_sRGB_INTENT_RELATIVE);
            if (!texts.empty()) png_set_text(png_, info_, texts.data(), static_cast<int>(texts.size()));
            png_write_info(png_, info_);
        }));
    }

    Status write_row(std::span<const std::uint8_t> row) override {
        CHECK_SAME(row.size(), std::size_t{header_.width} * header_.channels * header_.bits / 8);
        CHECK_BELOW(rows_, header_.height);
        ++rows_;
        return checked(guarded(png_, [&] { png_write_row(png_, row.data()); }));
    }

    Status finish() override {
        CHECK_SAME(rows_, header_.height);
        return checked(guarded(png_, [&] { png_write_end(png_, nullptr); }));
    }

  private:
    Status checked(bool content) {
        if (content) return {};
        return fail(Code::io, "PNG", std::string("writing failed: ") + session_.message);
    }

    PngHeader header_;
    Session session_;
    png_structp png_ = nullptr;
    png_infop info_ = nullptr;
    std::uint32_t rows_ = 0;
};

class Reader final : public PngReader {
  public:
    explicit Reader(std::span<const std::byte> file) { session_.file = file; }
    ~Reader() override { png_destroy_read_struct(&png_, &info_, nullptr); }
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;

    Status begin(const PngLimits& limits) {
        if (session_.file.size() < 8 || png_sig_cmp(reinterpret_cast<png_const_bytep>(session_.file.data()), 0, 8) != 0) {
            return fail(Code::bad_input, "PNG", "the signature is missing: not a PNG file");
        }
        if (auto status = walk(session_.file); !status) return status;
        png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, &session_, on_error, on_warning);
        info_ = png_ != nullptr ? png_create_info_struct(png_) : nullptr;
        if (info_ == nullptr) return fail(Code::failed, "PNG", "libpng could not start (out of memory)");
        png_uint_32 width = 0, height = 0;
        int depth = 0, color = 0, interlace = 0, text_count = 0;
        png_textp texts = nullptr;
        if (!guarded(png_, [&] {
                png_set_read_fn(png_, &session_, on_read);
                png_set_user_limits(png_, limits.max_width, limits.max_height);
                png_set_chunk_malloc_max(png_, limits.max_text);
                png_set_chunk_cache_max(png_, 64);
                png_set_crc_action(png_, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
                png_read_info(png_, info_);
                png_get_IHDR(png_, info_, &width, &height, &depth, &color, &interlace, nullptr, nullptr);
                text_count = png_get_text(png_, info_, &texts, nullptr);
            })) {
            return wrong();
        }
        header_.width = width;
        header_.height = height;
        header_.bits = static_cast<std::uint32_t>(depth);
        header_.channels = color == PNG_COLOR_TYPE_GRAY ? 1 : color == PNG_COLOR_TYPE_RGB ? 3 : color == PNG_COLOR_TYPE_RGB_ALPHA ? 4 : 0;
        header_.srgb = png_get_valid(png_, info_, PNG_INFO_sRGB) != 0;
        if ((depth != 8 && depth != 16) || header_.channels == 0 || interlace != PNG_INTERLACE_NONE) {
            return fail(Code::bad_input, "PNG", "only plain grey, RGB or RGBA of 8 or 16 bits without interlacing is read here");
        }
        for (int i = 0; i < text_count; ++i) header_.text.emplace_back(texts[i].key, texts[i].text);
        return {};
    }

    [[nodiscard]] const PngHeader& header() const override { return header_; }

    Status read_row(std::span<std::uint8_t> row) override {
        CHECK_SAME(row.size(), std::size_t{header_.width} * header_.channels * header_.bits / 8);
        CHECK_BELOW(rows_, header_.height);
        ++rows_;
        if (!guarded(png_, [&] { png_read_row(png_, row.data(), nullptr); })) return wrong();
        return {};
    }

    Status finish() override {
        CHECK_SAME(rows_, header_.height);
        if (!guarded(png_, [&] { png_read_end(png_, nullptr); })) return wrong();
        return {};
    }

  private:
    Status wrong() { return fail(Code::bad_input, "PNG", session_.message); }

    PngHeader header_;
    Session session_;
    png_structp png_ = nullptr;
    png_infop info_ = nullptr;
    std::uint32_t rows_ = 0;
};

} // namespace

Result<std::unique_ptr<PngWriter>> PngWriter::open(const PngHeader& header, PngPacking packing, PngSink sink) {
    auto writer = std::make_unique<Writer>(header, std::move(sink));
    if (auto status = writer->begin(packing); !status) return std::unexpected(status.error());
    return writer;
}

Result<std::unique_ptr<PngReader>> PngReader::open(std::span<const std::byte> file, const PngLimits& limits) {
    auto reader = std::make_unique<Reader>(file);
    if (auto status = reader->begin(limits); !status) return std::unexpected(status.error());
    return reader;
}

} // namespace raymill::film
