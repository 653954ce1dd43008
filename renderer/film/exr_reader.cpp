#include "renderer/film/exr_reader.hpp"

#include <OpenEXR/ImfChannelList.h>
#include <OpenEXR/ImfFrameBuffer.h>
#include <OpenEXR/ImfHeader.h>
#include <OpenEXR/ImfInputFile.h>
#include <OpenEXR/ImfStringAttribute.h>

#include <exception>

namespace raymill::film {

Result<ExrPixels> read_exr(const std::filesystem::path& file, std::uint32_t max_width, std::uint32_t max_height) {
    const auto bad = [&file](const std::string& what) { return fail(Code::bad_input, file.string(), what); };
    try {
        Imf::InputFile input(file.c_str(), 0);
        const Imf::Header& header = input.header();
        const Imath::Box2i window = header.dataWindow();
        const auto width = std::int64_t{window.max.x} - window.min.x + 1, height = std::int64_t{window.max.y} - window.min.y + 1;
        if (width < 1 || height < 1 || width > max_width || height > max_height) {
            return bad("its data window is " + std::to_string(width) + " x " + std::to_string(height) + " pixels; at most " +
                       std::to_string(max_width) + " x " + std::to_string(max_height) + " are read");
        }
        std::error_code ignored;
        const auto file_bytes = std::filesystem::file_size(file, ignored);
        if (static_cast<std::uint64_t>(width * height) / 4096 > file_bytes) return bad("it ends long before its last row");
        const auto* red = header.channels().findChannel("R");
        const auto* green = header.channels().findChannel("G");
        const auto* blue = header.channels().findChannel("B");
        const auto* grey = header.channels().findChannel("Y");
        const auto* alpha = header.channels().findChannel("A");
        const bool color = red != nullptr && green != nullptr && blue != nullptr;
        if (!color && grey == nullptr) return bad("it has neither channels R, G and B nor Y in its first part");
        for (const auto* channel : {red, green, blue, grey, alpha}) {
            if (channel != nullptr && (channel->xSampling != 1 || channel->ySampling != 1)) {
                return bad("its channels are subsampled (luminance and chroma); save it as RGB");
            }
        }
        ExrPixels pixels{.width = static_cast<std::uint32_t>(width),
                         .height = static_cast<std::uint32_t>(height),
                         .alpha = alpha != nullptr,
                         .rgba = {},
                         .strings = {}};
        pixels.rgba.resize(static_cast<std::size_t>(width * height), glm::vec4(0, 0, 0, 1));
        // OpenEXR counts pixels from its window's origin: shift the base so that window.min is the first element.
        const std::size_t stride = static_cast<std::size_t>(width) * sizeof(glm::vec4);
        const auto base = reinterpret_cast<std::intptr_t>(pixels.rgba.data()) -
                          std::intptr_t{window.min.y} * static_cast<std::intptr_t>(stride) -
                          std::intptr_t{window.min.x} * static_cast<std::intptr_t>(sizeof(glm::vec4));
        Imf::FrameBuffer frame;
        const auto take = [&](const char* name, int component) {
            // NOLINTNEXTLINE(performance-no-int-to-ptr)
            auto* at = reinterpret_cast<char*>(base + component * static_cast<std::intptr_t>(sizeof(float)));
            frame.insert(name, Imf::Slice(Imf::FLOAT, at, sizeof(glm::vec4), stride));
        };
        if (color) {
            take("R", 0), take("G", 1), take("B", 2);
        } else {
            take("Y", 0);
        }
        if (alpha != nullptr) take("A", 3);
        input.setFrameBuffer(frame);
        input.readPixels(window.min.y, window.max.y);
        if (!color)
            for (auto& pixel : pixels.rgba) pixel.y = pixel.z = pixel.x;
        for (auto attribute = header.begin(); attribute != header.end(); ++attribute) {
            if (const auto* text = dynamic_cast<const Imf::StringAttribute*>(&attribute.attribute())) {
                pixels.strings.emplace(attribute.name(), text->value());
            }
        }
        return pixels;
    } catch (const std::exception& error) {
        std::string what = error.what();
        for (char& c : what)
            if (c == '\n') c = ' ';
        return bad("not readable as EXR: " + what);
    }
}

} // namespace raymill::film
