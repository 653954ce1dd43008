#include "renderer/film/image_writer.hpp"

#include "renderer/base/check.hpp"
#include "renderer/film/display_row.hpp"
#include "renderer/film/png_stream.hpp"
#include "renderer/film/temporary_file.hpp"

#include <OpenEXR/ImfChannelList.h>
#include <OpenEXR/ImfFrameBuffer.h>
#include <OpenEXR/ImfIO.h>
#include <OpenEXR/ImfOutputFile.h>
#include <OpenEXR/ImfStandardAttributes.h>
#include <OpenEXR/ImfStringAttribute.h>

#include <algorithm>

namespace raymill::film {
namespace {

class PngImage final : public ImageWriter {
  public:
    PngImage(const std::filesystem::path& file, const ImageSpec& spec) : spec_(spec), file_(file) {}

    Status begin() {
        if (auto status = file_.open(); !status) return status;
        PngHeader header{.width = spec_.width,
                         .height = spec_.height,
                         .bits = spec_.display.bits,
                         .channels = spec_.alpha ? 4U : 3U,
                         .srgb = true,
                         .text = {{"Software", "raymill " RAYMILL_VERSION}}};
        header.text.insert(header.text.end(), spec_.metadata.begin(), spec_.metadata.end());
        auto png = PngWriter::open(header, PngPacking::picture, [this](std::span<const std::byte> bytes) {
            written_ = file_.write(bytes);
            return written_.has_value();
        });
        if (!png) return written_ ? std::unexpected(png.error()) : written_;
        png_ = std::move(*png);
        return {};
    }

    [[nodiscard]] const ImageSpec& spec() const override { return spec_; }

    Status write_rows(std::span<const glm::vec4> pixels) override {
        CHECK_SAME(pixels.size() % spec_.width, 0U);
        for (; !pixels.empty(); pixels = pixels.subspan(spec_.width), ++y_) {
            display_row(pixels.first(spec_.width), 0, y_, spec_.display, spec_.alpha ? 4 : 3, row_);
            if (auto status = png_->write_row(row_); !status) return written_ ? status : written_;
        }
        return {};
    }

    Status finish() override {
        if (auto status = png_->finish(); !status) return written_ ? status : written_;
        return file_.commit();
    }

  private:
    ImageSpec spec_;
    TemporaryFile file_;
    Status written_; // the file's own error, which names it, rather than libpng's
    std::unique_ptr<PngWriter> png_;
    std::vector<std::uint8_t> row_;
    std::uint32_t y_ = 0;
};

/// OpenEXR's stream over a TemporaryFile; its errors travel through OpenEXR as exceptions and are values again in ExrImage.
class ExrStream final : public Imf::OStream {
  public:
    ExrStream(TemporaryFile& file, const char* name) : OStream(name), file_(&file) {}
    void write(const char bytes[], int count) override {
        raise(file_->write({reinterpret_cast<const std::byte*>(bytes), static_cast<std::size_t>(count)}));
    }
    std::uint64_t tellp() override { return file_->position(); }
    void seekp(std::uint64_t position) override { raise(file_->seek(position)); }

  private:
    static void raise(const Status& status) {
        if (!status) throw Failure{status.error()};
    }
    TemporaryFile* file_;

  public:
    struct Failure : std::exception {
        explicit Failure(Error e) : error(std::move(e)) {}
        [[nodiscard]] const char* what() const noexcept override { return error.what.c_str(); }
        Error error;
    };
};

class ExrImage final : public ImageWriter {
  public:
    ExrImage(const std::filesystem::path& file, const ImageSpec& spec) : spec_(spec), name_(file.string()), file_(file) {}

    Status begin() {
        if (auto status = file_.open(); !status) return status;
        return guarded([this] {
            Imf::Header header(static_cast<int>(spec_.width), static_cast<int>(spec_.height), 1, Imath::V2f(0, 0), 1, Imf::INCREASING_Y,
                               Imf::ZIP_COMPRESSION);
            for (const char* channel : {"R", "G", "B"}) header.channels().insert(channel, Imf::Channel(Imf::FLOAT));
            if (spec_.alpha) header.channels().insert("A", Imf::Channel(Imf::FLOAT));
            Imf::addChromaticities(header, Imf::Chromaticities()); // its default is Rec. 709 with D65
            header.insert("software", Imf::StringAttribute("raymill " RAYMILL_VERSION));
            for (const auto& [key, value] : spec_.metadata) header.insert("raymill:" + key, Imf::StringAttribute(value));
            stream_ = std::make_unique<ExrStream>(file_, name_.c_str());
            exr_ = std::make_unique<Imf::OutputFile>(*stream_, header, 0);
        });
    }

    [[nodiscard]] const ImageSpec& spec() const override { return spec_; }

    Status write_rows(std::span<const glm::vec4> pixels) override {
        CHECK_SAME(pixels.size() % spec_.width, 0U);
        const auto rows = pixels.size() / spec_.width;
        CHECK_AT_MOST(y_ + rows, std::size_t{spec_.height});
        return guarded([&] {
            // OpenEXR addresses a pixel as base + y * stride + x * 16 with y counted from the image's top: shift the base so that row y_ is
            // ours.
            const std::size_t stride = std::size_t{spec_.width} * sizeof(glm::vec4);
            const auto base = reinterpret_cast<std::uintptr_t>(pixels.data()) - y_ * stride;
            Imf::FrameBuffer frame;
            std::size_t offset = 0;
            for (const char* channel : {"R", "G", "B", "A"}) {
                if (spec_.alpha || *channel != 'A') {
                    // NOLINTNEXTLINE(performance-no-int-to-ptr): outside the array until OpenEXR adds the row
                    frame.insert(channel, Imf::Slice(Imf::FLOAT, reinterpret_cast<char*>(base + offset), sizeof(glm::vec4), stride));
                }
                offset += sizeof(float);
            }
            exr_->setFrameBuffer(frame);
            exr_->writePixels(static_cast<int>(rows));
            y_ += rows;
        });
    }

    Status finish() override {
        CHECK_SAME(y_, std::size_t{spec_.height});
        // The table of lines is written by OutputFile's destructor, which swallows exceptions: commit() still knows of a failed write.
        if (auto status = guarded([this] { exr_.reset(); }); !status) return status;
        return file_.commit();
    }

  private:
    template<class Body> Status guarded(const Body& body) {
        try {
            body();
            return {};
        } catch (const ExrStream::Failure& failure) {
            return std::unexpected(failure.error);
        } catch (const std::exception& error) {
            return fail(Code::io, name_, std::string("writing EXR failed: ") + error.what());
        }
    }

    ImageSpec spec_;
    std::string name_;
    TemporaryFile file_;
    std::unique_ptr<ExrStream> stream_; // used by exr_'s destructor: declared before it
    std::unique_ptr<Imf::OutputFile> exr_;
    std::size_t y_ = 0;
};

template<class Image> Result<std::unique_ptr<ImageWriter>> begun(const std::filesystem::path& file, const ImageSpec& spec) {
    auto image = std::make_unique<Image>(file, spec);
    if (auto status = image->begin(); !status) return std::unexpected(status.error());
    return image;
}

} // namespace

Result<std::unique_ptr<ImageWriter>> ImageWriter::open(const std::filesystem::path& file, const ImageSpec& spec) {
    CHECK_BELOW(0U, spec.width);
    CHECK_BELOW(0U, spec.height);
    CHECK_TRUE(spec.display.bits == 8 || spec.display.bits == 16);
    for (const auto& [key, value] : spec.metadata) {
        CHECK_TRUE(!key.empty() && key.size() <= 60 && std::ranges::all_of(key, [](char c) {
            return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
        }));
    }
    return spec.format == ImageFormat::png ? begun<PngImage>(file, spec) : begun<ExrImage>(file, spec);
}

} // namespace raymill::film
