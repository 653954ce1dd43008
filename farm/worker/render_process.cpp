#include "farm/worker/render_process.hpp"

#include "farm/protocol/framing.hpp"
#include "farm/protocol/messages.hpp"
#include "farm/protocol/sha256.hpp"
#include "farm/worker/sandbox.hpp"
#include "renderer/film/assemble.hpp"
#include "renderer/film/chunk.hpp"
#include "renderer/film/image_writer.hpp"
#include "renderer/film/preview.hpp"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace raymill::farm {
namespace {

/// Writes and syncs a new file.
Status write_result(const std::string& path, std::span<const std::byte> bytes) {
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) return fail(Code::io, path, "cannot be written");
    bool ok = true;
    while (ok && !bytes.empty()) {
        const auto wrote = ::write(fd, bytes.data(), bytes.size());
        ok = wrote > 0;
        if (ok) bytes = bytes.subspan(static_cast<std::size_t>(wrote));
    }
    ok = ok && ::fsync(fd) == 0;
    ok = ::close(fd) == 0 && ok;
    return ok ? Status{} : fail(Code::io, path, "writing failed; is the disk full?");
}

Result<std::vector<std::byte>> read_file(const std::string& path) {
    std::FILE* in = std::fopen(path.c_str(), "rb");
    if (in == nullptr) return fail(Code::io, path, "cannot be read");
    std::vector<std::byte> bytes;
    std::byte buffer[65536];
    while (const auto got = std::fread(buffer, 1, sizeof buffer, in)) bytes.insert(bytes.end(), buffer, buffer + got);
    const bool bad = std::ferror(in) != 0;
    std::fclose(in);
    if (bad) return fail(Code::io, path, "cannot be read");
    return bytes;
}

double peak_rss_mb() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return static_cast<double>(usage.ru_maxrss) / 1024;
}

class RenderProcess {
  public:
    RenderProcess(int fd, const OpenRenderer& open_renderer) : fd_(fd), open_renderer_(open_renderer) {}

    int run() {
        for (;;) {
            const auto message = read_frame(fd_);
            if (!message) return 1;
            if (!*message) return 0; // the supervisor has no more use for this process
            wire::ToRender request;
            if (!request.ParseFromString(**message)) return 1;
            Status ok;
            if (request.has_open())
                ok = open(request.open());
            else if (request.has_tile())
                ok = tile(request.tile());
            else if (request.has_assemble())
                ok = assemble(request.assemble());
            if (ok) continue;
            wire::FromRender answer;
            answer.mutable_failed()->set_code(std::string(name_of(ok.error().code)));
            answer.mutable_failed()->set_message(ok.error().message());
            if (!send(answer)) return 1;
            if (ok.error().code == Code::device_lost) return 1; // the device is gone for this process
        }
    }

  private:
    bool send(const wire::FromRender& message) const { return write_frame(fd_, message.SerializeAsString()).has_value(); }
    void progress() const {
        wire::FromRender message;
        message.mutable_progress();
        (void)send(message);
    }

    Status open(const wire::OpenScene& open) {
        scene_ = open;
        auto settings = parse_settings({open.settings().begin(), open.settings().end()});
        if (!settings) return std::unexpected(settings.error());
        settings_ = std::move(*settings);
        return {};
    }

    /// The scene is opened when the first tile comes: finishing a frame needs none.
    Status open_renderer() {
        auto settings = settings_;
        if (!settings.env.empty() && !env_colour(settings.env))
            settings.env = (std::filesystem::path(scene_.scene_root()) / settings.env).string();
        auto renderer = open_renderer_(scene_.scene_file(), settings, {.name = scene_.device(), .threads = scene_.threads()});
        if (!renderer) {
            // The folder is this host's business.
            auto error = renderer.error();
            for (auto* text : {&error.where, &error.what})
                for (auto at = text->find(scene_.scene_root() + "/"); !scene_.scene_root().empty() && at != std::string::npos;
                     at = text->find(scene_.scene_root() + "/"))
                    text->erase(at, scene_.scene_root().size() + 1);
            return std::unexpected(error);
        }
        renderer_ = std::move(*renderer);
        wire::FromRender message;
        message.mutable_opened()->set_device(renderer_->device().name);
        message.mutable_opened()->set_device_class(renderer_->device().device_class);
        for (const auto& note : renderer_->notes()) message.mutable_opened()->add_notes(note);
        (void)send(message);
        return {};
    }

    Status tile(const wire::RenderTile& request) {
        const auto began = std::chrono::steady_clock::now();
        if (!renderer_)
            if (auto ok = open_renderer(); !ok) return ok;
        if (auto prepared = renderer_->prepare(request.frame()); !prepared) return std::unexpected(prepared.error());
        const std::chrono::duration<double> prepare_time = std::chrono::steady_clock::now() - began;
        progress();
        const Rect rect{request.x(), request.y(), request.width(), request.height()};
        std::vector<glm::vec4> rgba;
        const auto stats = renderer_->render(request.frame(), rect, rgba);
        if (!stats) return std::unexpected(stats.error());
        progress();
        const auto chunk = film::encode_chunk(
            {.frame = request.frame(), .rect = rect, .samples = settings_.spp, .device_class = renderer_->device().device_class}, rgba);
        if (!chunk) return std::unexpected(chunk.error());
        const auto preview = film::encode_preview(rect, rgba, {.curve = settings_.tonemap, .exposure = settings_.exposure, .bits = 8});
        if (!preview) return std::unexpected(preview.error());

        wire::FromRender answer;
        auto& done = *answer.mutable_done();
        for (const auto& [path, bytes] : {std::pair(&request.chunk_file(), &*chunk), std::pair(&request.preview_file(), &*preview)}) {
            if (auto ok = write_result(*path, *bytes); !ok) return ok;
            auto& file = *done.add_files();
            file.set_sha256(sha256_of({reinterpret_cast<const char*>(bytes->data()), bytes->size()}));
            file.set_size(bytes->size());
        }
        done.set_samples(stats->samples);
        done.set_rays(stats->closest_rays + stats->shadow_rays);
        done.set_trace_s(stats->seconds);
        done.set_trace_cpu_s(stats->cpu_seconds);
        done.set_prepare_s(prepare_time.count());
        done.set_peak_rss_mb(peak_rss_mb());
        (void)send(answer);
        return {};
    }

    Status assemble(const wire::AssembleFrame& request) {
        const film::FrameLayout layout{
            .grid = {settings_.width, settings_.height, request.tile_edge()}, .frame = request.frame(), .samples = settings_.spp};
        const auto chunk_of = [&](std::uint64_t tile) { return read_file(request.chunk_folder() + "/" + std::to_string(tile)); };
        // The picture names the device class that its first tile came from.
        const auto first = chunk_of(0);
        if (!first) return std::unexpected(first.error());
        const auto reader = film::ChunkReader::open(*first, layout.grid.rect(0));
        if (!reader) return std::unexpected(reader.error());
        auto writer = film::ImageWriter::open(request.output_file(),
                                              film::image_spec(settings_, scene_.scene(), reader->info().device_class, request.frame()));
        if (!writer) return std::unexpected(writer.error());
        const auto fetch = [&](std::uint64_t tile) {
            if (tile % layout.grid.columns() == 0) progress();
            return chunk_of(tile);
        };
        if (auto ok = film::assemble(layout, fetch, **writer); !ok) return ok;
        progress();
        auto hash = sha256_of_file(request.output_file());
        if (!hash) return std::unexpected(hash.error());
        wire::FromRender answer;
        auto& file = *answer.mutable_done()->add_files();
        file.set_sha256(std::move(*hash));
        file.set_size(std::filesystem::file_size(request.output_file()));
        answer.mutable_done()->set_peak_rss_mb(peak_rss_mb());
        (void)send(answer);
        return {};
    }

    int fd_;
    const OpenRenderer& open_renderer_;
    wire::OpenScene scene_;
    Settings settings_;
    std::unique_ptr<Renderer> renderer_;
};

} // namespace

int render_process(int fd, const OpenRenderer& open_renderer) {
    // Before a byte of a scene is read, and while this is the only thread.
    if (const char* plan = std::getenv(sandbox_variable); plan != nullptr) {
        enter_sandbox(plan_of(plan));
        ::unsetenv(sandbox_variable);
    }
    return RenderProcess(fd, open_renderer).run();
}

} // namespace raymill::farm
