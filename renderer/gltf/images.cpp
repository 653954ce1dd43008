#include "renderer/gltf/images.hpp"

#include "renderer/gltf/fault.hpp"

#include <algorithm>
#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <png.h>

#include <jerror.h> // needs the names of stdio before it
#include <jpeglib.h>

namespace raymill::gltf {
namespace {

void check_size(std::uint64_t width, std::uint64_t height, const std::string& where, const LoadLimits& limits) {
    if (width == 0 || height == 0) bad(where, "is an image without pixels");
    if (width > limits.max_image_edge || height > limits.max_image_edge || width * height > limits.max_image_pixels)
        bad(where, "is an image of " + std::to_string(width) + " x " + std::to_string(height) + " pixels; at most " +
                       std::to_string(limits.max_image_edge) + " along an edge and " + std::to_string(limits.max_image_pixels) +
                       " in all are read");
}

// Both libraries report faults by a callback that must not return: it keeps the words and jumps back. Between setjmp and the library's
// calls lie no objects with destructors; what they fill belongs to the caller.
struct Jump {
    std::jmp_buf back;
    char words[256] = "";
};

// ---- PNG -----------------------------------------------------------------------------------------------------------------------------
struct PngSource {
    std::span<const std::byte> bytes;
    std::size_t at = 0;
    Jump jump;
};

[[noreturn]] void png_fault(png_structp png, png_const_charp words) {
    auto* const source = static_cast<PngSource*>(png_get_error_ptr(png));
    std::snprintf(source->jump.words, sizeof source->jump.words, "%s", words);
    std::longjmp(source->jump.back, 1);
}
void png_warn(png_structp, png_const_charp) {}
void png_take(png_structp png, png_bytep to, png_size_t size) {
    auto* const source = static_cast<PngSource*>(png_get_io_ptr(png));
    if (size > source->bytes.size() - source->at) png_error(png, "it is cut short");
    std::memcpy(to, source->bytes.data() + source->at, size);
    source->at += size;
}

struct PngReader {
    png_structp png = nullptr;
    png_infop info = nullptr;
    ~PngReader() { png_destroy_read_struct(&png, &info, nullptr); }
};

/// Up to the transformations: what the pixels will be. False after a fault.
bool png_begin(PngReader& reader, PngSource& source, const std::string& where, const LoadLimits& limits, png_uint_32& width,
               png_uint_32& height, int& depth) {
    if (setjmp(source.jump.back) != 0) return false;
    png_read_info(reader.png, reader.info);
    int color = 0;
    png_get_IHDR(reader.png, reader.info, &width, &height, &depth, &color, nullptr, nullptr, nullptr);
    check_size(width, height, where, limits); // before libpng takes memory for rows
    png_set_expand(reader.png);               // palette to RGB, 1, 2, 4 bits to 8, tRNS to alpha
    if (depth == 16) png_set_swap(reader.png);
    if ((color & PNG_COLOR_MASK_COLOR) == 0) png_set_gray_to_rgb(reader.png);
    png_set_add_alpha(reader.png, depth == 16 ? 0xffff : 0xff, PNG_FILLER_AFTER);
    png_set_interlace_handling(reader.png);
    png_read_update_info(reader.png, reader.info);
    return true;
}

bool png_pixels(PngReader& reader, PngSource& source, png_bytep* rows) {
    if (setjmp(source.jump.back) != 0) return false;
    png_read_image(reader.png, rows);
    return true;
}

void decode_png(std::span<const std::byte> file, const std::string& where, const LoadLimits& limits, scene::Image& image) {
    PngSource source{file, 0, {}};
    PngReader reader;
    reader.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &source, png_fault, png_warn);
    reader.info = reader.png ? png_create_info_struct(reader.png) : nullptr;
    if (!reader.info) throw std::bad_alloc();
    png_set_user_limits(reader.png, 0x7fffffff, 0x7fffffff); // check_size has better words
    png_set_chunk_cache_max(reader.png, 128);
    png_set_chunk_malloc_max(reader.png, 8u << 20);
    png_set_crc_action(reader.png, PNG_CRC_ERROR_QUIT, PNG_CRC_WARN_DISCARD);
    png_set_read_fn(reader.png, &source, png_take);
    png_uint_32 width = 0, height = 0;
    int depth = 0;
    if (!png_begin(reader, source, where, limits, width, height, depth))
        bad(where, "is a PNG that cannot be read: " + printable(source.jump.words));
    image.width = width;
    image.height = height;
    image.sixteen_bit = depth == 16;
    const std::size_t pixels = static_cast<std::size_t>(width) * height;
    const std::size_t row_bytes = static_cast<std::size_t>(width) * (image.sixteen_bit ? 8 : 4);
    if (png_get_rowbytes(reader.png, reader.info) != row_bytes) bad(where, "is a PNG of a kind that is not read");
    std::byte* first = nullptr;
    if (image.sixteen_bit) {
        image.rgba16.resize(pixels * 4);
        first = reinterpret_cast<std::byte*>(image.rgba16.data());
    } else {
        image.rgba8.resize(pixels);
        first = reinterpret_cast<std::byte*>(image.rgba8.data());
    }
    std::vector<png_bytep> rows(height);
    for (std::size_t y = 0; y < height; ++y) rows[y] = reinterpret_cast<png_bytep>(first + y * row_bytes);
    if (!png_pixels(reader, source, rows.data())) bad(where, "is a PNG that cannot be read: " + printable(source.jump.words));
}

// ---- JPEG ----------------------------------------------------------------------------------------------------------------------------
struct JpegErrors {
    jpeg_error_mgr manager; // first: libjpeg knows it by its address
    Jump jump;
    bool cut_short = false;
};

[[noreturn]] void jpeg_fault(j_common_ptr jpeg) {
    auto* const errors = reinterpret_cast<JpegErrors*>(jpeg->err);
    char words[JMSG_LENGTH_MAX] = "";
    jpeg->err->format_message(jpeg, words);
    std::snprintf(errors->jump.words, sizeof errors->jump.words, "%.200s", words);
    std::longjmp(errors->jump.back, 1);
}
void jpeg_message(j_common_ptr jpeg, int level) {
    // Warnings are negative: most are harmless, but at the end of its input libjpeg goes on with grey.
    if (level < 0 && (jpeg->err->msg_code == JWRN_JPEG_EOF || jpeg->err->msg_code == JWRN_HIT_MARKER))
        reinterpret_cast<JpegErrors*>(jpeg->err)->cut_short = true;
}
void jpeg_progress(j_common_ptr jpeg) {
    // A progressive file may hold any number of scans over all pixels: real ones have about ten.
    const auto* const decompress = reinterpret_cast<j_decompress_ptr>(jpeg);
    if (decompress->input_scan_number > 500) {
        auto* const errors = reinterpret_cast<JpegErrors*>(jpeg->err);
        std::snprintf(errors->jump.words, sizeof errors->jump.words, "it has more than 500 scans");
        std::longjmp(errors->jump.back, 1);
    }
}

struct JpegReader {
    jpeg_decompress_struct jpeg{};
    jpeg_progress_mgr progress{};
    ~JpegReader() { jpeg_destroy_decompress(&jpeg); }
};

bool jpeg_begin(JpegReader& reader, JpegErrors& errors, std::span<const std::byte> file) {
    if (setjmp(errors.jump.back) != 0) return false;
    jpeg_create_decompress(&reader.jpeg);
    reader.jpeg.progress = &reader.progress;
    jpeg_mem_src(&reader.jpeg, reinterpret_cast<const unsigned char*>(file.data()), static_cast<unsigned long>(file.size()));
    jpeg_read_header(&reader.jpeg, TRUE);
    return true;
}

bool jpeg_pixels(JpegReader& reader, JpegErrors& errors, std::uint32_t* pixels) {
    if (setjmp(errors.jump.back) != 0) return false;
    reader.jpeg.out_color_space = JCS_EXT_RGBA;
    jpeg_start_decompress(&reader.jpeg);
    while (reader.jpeg.output_scanline < reader.jpeg.output_height) {
        auto* row = reinterpret_cast<JSAMPROW>(pixels + static_cast<std::size_t>(reader.jpeg.output_scanline) * reader.jpeg.output_width);
        jpeg_read_scanlines(&reader.jpeg, &row, 1);
    }
    jpeg_finish_decompress(&reader.jpeg);
    return true;
}

void decode_jpeg(std::span<const std::byte> file, const std::string& where, const LoadLimits& limits, scene::Image& image) {
    JpegErrors errors{};
    JpegReader reader;
    reader.jpeg.err = jpeg_std_error(&errors.manager);
    errors.manager.error_exit = jpeg_fault;
    errors.manager.emit_message = jpeg_message;
    reader.progress.progress_monitor = jpeg_progress;
    const auto refuse = [&] { bad(where, "is a JPEG that cannot be read: " + printable(errors.jump.words)); };
    if (!jpeg_begin(reader, errors, file)) refuse();
    check_size(reader.jpeg.image_width, reader.jpeg.image_height, where, limits);
    if (reader.jpeg.num_components == 4) unsupported(where, "is a JPEG in CMYK; glTF's are grey or RGB");
    image.width = reader.jpeg.image_width;
    image.height = reader.jpeg.image_height;
    image.rgba8.resize(static_cast<std::size_t>(image.width) * image.height);
    if (!jpeg_pixels(reader, errors, image.rgba8.data())) refuse();
    if (errors.cut_short) bad(where, "is a JPEG that cannot be read: it is cut short or damaged");
}

template<class... Bytes> bool begins(std::span<const std::byte> file, Bytes... bytes) {
    const std::byte magic[] = {static_cast<std::byte>(bytes)...};
    return file.size() >= sizeof magic && std::equal(std::begin(magic), std::end(magic), file.begin());
}

} // namespace

scene::Image decode_image(std::span<const std::byte> file, const std::string& where, const LoadLimits& limits) {
    scene::Image image;
    if (begins(file, 0x89, 'P', 'N', 'G'))
        decode_png(file, where, limits, image);
    else if (begins(file, 0xff, 0xd8, 0xff))
        decode_jpeg(file, where, limits, image);
    else if (begins(file, 0xab, 'K', 'T', 'X'))
        unsupported(where, "is a KTX2 image (KHR_texture_basisu), which is not supported; PNG and JPEG are");
    else if (begins(file, 'R', 'I', 'F', 'F'))
        unsupported(where, "is a WebP image (EXT_texture_webp), which is not supported; PNG and JPEG are");
    else
        bad(where, "is neither PNG nor JPEG");
    if (image.sixteen_bit) {
        for (std::size_t i = 3; i < image.rgba16.size() && image.opaque; i += 4) image.opaque = image.rgba16[i] == 0xffff;
    } else {
        image.opaque = std::all_of(image.rgba8.begin(), image.rgba8.end(), [](std::uint32_t p) { return p >> 24 == 0xff; });
    }
    return image;
}

} // namespace raymill::gltf
