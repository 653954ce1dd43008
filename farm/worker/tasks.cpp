// From a lease to a result: fetch, render in a process that may be lost, keep.
#include "farm/worker/supervisor.hpp"

#include "farm/protocol/files.hpp"
#include "farm/protocol/limits.hpp"
#include "renderer/base/tile_grid.hpp"

#include <algorithm>

namespace raymill::farm {
namespace {

std::string key_of(const wire::Assign& assign) {
    // A map in protobuf has no order of its own.
    const std::map<std::string, std::string> words(assign.settings().begin(), assign.settings().end());
    auto key = assign.scene();
    for (const auto& [name, word] : words) (((key += '\0') += name) += '\0') += word;
    return key;
}

} // namespace

Supervisor::Task* Supervisor::find(const LeaseKey& lease) {
    const auto found = std::ranges::find(tasks_, lease, &Task::lease);
    return found == tasks_.end() ? nullptr : &*found;
}

void Supervisor::on_assign(const wire::Assign& assign) {
    const LeaseKey lease(assign.lease());
    if (find(lease) != nullptr || results_->has(lease)) return;
    Task task(assign);
    auto settings = parse_settings({assign.settings().begin(), assign.settings().end()});
    if (!settings)
        return fail_task(lease, wire::TaskFailed::INPUT, std::string(name_of(settings.error().code)), settings.error().message());
    task.settings = std::move(*settings);
    const TileGrid grid{task.settings.width, task.settings.height, assign.tile_edge()};
    if (assign.tile_edge() == 0 || !is_sha256(assign.scene()) || (!task.finish() && lease.tile >= grid.count()) ||
        grid.count() > limits::tiles_a_frame)
        return fail_task(lease, wire::TaskFailed::GENUINE, "failed", "the server sent a task that cannot be");
    if (task.finish()) task.stage = Task::Stage::chunk_list;
    tasks_.push_back(std::move(task));
}

void Supervisor::drop_task(const LeaseKey& lease) {
    auto* task = find(lease);
    if (task == nullptr) return;
    if (task->stage == Task::Stage::running) {
        // A tile takes seconds and its process holds the scene: it may end in peace, for a while (see watch()).
        if (!task->revoked) task->revoked = Clock::now();
        return;
    }
    tasks_.remove_if([&](const Task& one) { return one.lease == lease; });
    std::set<std::string> wanted;
    for (const auto& one : tasks_) wanted.insert(one.missing.begin(), one.missing.end());
    fetcher_.keep_only(wanted);
}

void Supervisor::advance_all() {
    for (auto at = tasks_.begin(); at != tasks_.end();) advance(*at++); // a task may fail, and go
}

void Supervisor::advance(Task& task) {
    const auto want = [&](const std::string& sha256) {
        if (cache_.has(sha256)) return;
        task.missing.insert(sha256);
        fetcher_.want(task.lease.job, sha256);
    };
    if (task.stage == Task::Stage::manifest) {
        if (!cache_.has(task.assign.scene())) {
            if (task.missing.empty()) want(task.assign.scene());
            return;
        }
        const auto text = read_small_file(cache_.use(task.assign.scene()), limits::json_body);
        auto manifest = text ? parse_manifest(*text) : std::unexpected(text.error());
        if (!manifest) return fail_task(task.lease, wire::TaskFailed::GENUINE, "failed", manifest.error().message());
        task.manifest = std::move(*manifest);
        task.stage = Task::Stage::blobs;
        for (const auto& file : task.manifest.files) want(file.sha256);
    }
    if (task.stage == Task::Stage::chunk_list) {
        const auto now = Clock::now();
        if (now - task.asked < std::chrono::seconds(10)) return;
        wire::FromWorkerData message;
        auto& fetch = *message.mutable_fetch_chunk_list();
        fetch.set_job(task.lease.job);
        fetch.set_frame(task.lease.frame);
        fetch.set_first(static_cast<std::uint32_t>(task.chunks.size()));
        if (send_data(message)) task.asked = now;
        return;
    }
    if (task.stage == Task::Stage::blobs && task.missing.empty()) task.stage = Task::Stage::ready;
}

void Supervisor::on_chunk_list(const wire::ChunkList& list) {
    for (auto& task : tasks_) {
        if (task.stage != Task::Stage::chunk_list || task.lease.job != list.job() || task.lease.frame != list.frame() ||
            task.chunks.size() != list.first())
            continue;
        const TileGrid grid{task.settings.width, task.settings.height, task.assign.tile_edge()};
        if (!list.error().empty() || list.total() != grid.count() || list.hashes().empty() || list.hashes().size() % 32 != 0 ||
            list.first() + list.hashes().size() / 32 > grid.count())
            return fail_task(task.lease, wire::TaskFailed::GENUINE, "failed",
                             list.error().empty() ? "the server's list of chunks does not fit the frame" : list.error());
        static constexpr char digits[] = "0123456789abcdef";
        for (std::size_t i = 0; i < list.hashes().size(); i += 32) {
            std::string hash;
            for (const unsigned char byte : list.hashes().substr(i, 32)) (hash += digits[byte >> 4]) += digits[byte & 15];
            task.chunks.push_back(std::move(hash));
        }
        task.asked = {};
        if (task.chunks.size() < grid.count()) return;
        task.stage = Task::Stage::blobs;
        for (const auto& hash : task.chunks)
            if (!cache_.has(hash)) {
                task.missing.insert(hash);
                fetcher_.want(task.lease.job, hash);
            }
        return;
    }
}

void Supervisor::on_fetched(const std::string& sha256, const Status& outcome) {
    std::vector<LeaseKey> failed;
    for (auto& task : tasks_)
        if (task.missing.erase(sha256) != 0 && !outcome) failed.push_back(task.lease);
    for (const auto& lease : failed)
        fail_task(lease, wire::TaskFailed::GENUINE, std::string(name_of(outcome.error().code)), outcome.error().message());
    if (outcome) trim();
}

void Supervisor::trim() {
    if (cache_.bytes() <= options_.cache_bytes) return;
    std::set<std::string> blobs, scenes{tracer_.scene};
    for (const auto& task : tasks_) {
        scenes.insert(task.assign.scene());
        blobs.insert(task.assign.scene());
        for (const auto& file : task.manifest.files) blobs.insert(file.sha256);
        blobs.insert(task.chunks.begin(), task.chunks.end());
    }
    cache_.trim(blobs, scenes);
}

/// Gives the seat its next task.
void Supervisor::feed(Seat& seat) {
    if (seat.running || Clock::now() < seat.not_before) return;
    const auto next =
        std::ranges::find_if(tasks_, [&](const Task& task) { return task.stage == Task::Stage::ready && task.finish() == seat.finisher; });
    if (next == tasks_.end()) return;
    const auto lease = next->lease;
    if (auto ok = start_task(seat, *next); !ok) {
        seat.child.reset();
        fail_task(lease, wire::TaskFailed::GENUINE, std::string(name_of(ok.error().code)), ok.error().message());
        return;
    }
    next->stage = Task::Stage::running;
    seat.running = lease;
}

Status Supervisor::start_task(Seat& seat, Task& task) {
    const auto& assign = task.assign;
    std::filesystem::path scene;
    if (!seat.finisher) {
        auto folder = cache_.scene(assign.scene(), task.manifest);
        if (!folder) return std::unexpected(folder.error());
        scene = std::filesystem::absolute(*folder);
    }
    if (const auto key = key_of(assign); !seat.child || seat.key != key) {
        seat.child.reset();
        seat.notes.clear();
        auto child = RenderChild::start(options_.render_command, data_ / "scratch",
                                        {.memory_bytes = options_.memory_bytes,
                                         .stall = std::chrono::seconds(options_.stall_s),
                                         .sandbox = options_.sandbox != WorkerOptions::Sandbox::off,
                                         .read = {scene},
                                         .write = options_.render_may_write});
        if (!child) return std::unexpected(child.error());
        seat.child = std::move(*child);
        seat.key = key;
        seat.scene = assign.scene();
        wire::ToRender open;
        if (!seat.finisher) {
            open.mutable_open()->set_scene_root(scene.string());
            open.mutable_open()->set_scene_file((scene / task.manifest.main).string());
        }
        *open.mutable_open()->mutable_settings() = assign.settings();
        open.mutable_open()->set_device(options_.device);
        open.mutable_open()->set_threads(options_.threads);
        open.mutable_open()->set_scene(assign.scene());
        seat.child->send(open, false);
    }
    const auto folder = seat.child->folder() / task.lease.text();
    if (auto ok = make_private_folder(folder); !ok) return ok;
    wire::ToRender request;
    if (task.finish()) {
        for (std::size_t tile = 0; tile < task.chunks.size(); ++tile) {
            std::error_code error;
            // Second names, not symbolic links: those would lead out of what the render process may read.
            const auto chunk = cache_.use(task.chunks[tile]), place = folder / std::to_string(tile);
            std::filesystem::create_hard_link(chunk, place, error);
            if (error) std::filesystem::copy_file(chunk, place, error); // a file system without links, or too many of them
            if (error) return fail(Code::io, folder.string(), "cannot be written: " + error.message());
        }
        task.outputs = {folder / "image"};
        auto& assemble = *request.mutable_assemble();
        assemble.set_frame(assign.frame_number());
        assemble.set_tile_edge(assign.tile_edge());
        assemble.set_chunk_folder(folder.string());
        assemble.set_output_file(task.outputs[0].string());
    } else {
        const auto rect = TileGrid{task.settings.width, task.settings.height, assign.tile_edge()}.rect(task.lease.tile);
        task.outputs = {folder / "chunk", folder / "preview"};
        auto& tile = *request.mutable_tile();
        tile.set_frame(assign.frame_number());
        tile.set_x(rect.x);
        tile.set_y(rect.y);
        tile.set_width(rect.width);
        tile.set_height(rect.height);
        tile.set_chunk_file(task.outputs[0].string());
        tile.set_preview_file(task.outputs[1].string());
    }
    seat.child->send(request, true);
    return {};
}

void Supervisor::listen(Seat& seat) {
    std::string ended;
    for (const auto& message : seat.child->receive(ended)) {
        if (message.has_opened()) {
            seat.device = message.opened().device();
            for (const auto& note : message.opened().notes())
                if (seat.notes.size() < limits::notes) seat.notes.push_back(note.substr(0, limits::reason));
        } else if (message.has_done() && seat.running) {
            on_done(seat, message.done());
        } else if (message.has_failed() && seat.running) {
            const auto code = code_named(message.failed().code());
            const auto lease = *seat.running;
            seat.running.reset();
            seat.child.reset(); // what failed once is not trusted with the next task
            const auto kind = code == Code::bad_input || code == Code::usage ? wire::TaskFailed::INPUT
                              : code == Code::device_lost                    ? wire::TaskFailed::LOST
                                                                             : wire::TaskFailed::GENUINE;
            fail_task(lease, kind, message.failed().code(), message.failed().message());
            return;
        }
    }
    if (!ended.empty()) lose(seat, ended);
}

void Supervisor::on_done(Seat& seat, const wire::TaskDone& done) {
    const auto lease = *seat.running;
    seat.running.reset();
    seat.crashes = 0;
    seat.child->idle();
    auto* task = find(lease);
    if (task == nullptr) return;
    const auto folder = task->outputs.front().parent_path();
    Status ok;
    if (static_cast<std::size_t>(done.files_size()) != task->outputs.size())
        ok = fail(Code::failed, "render process", "it gave another number of files than asked for");
    if (!task->revoked) {
        wire::Offer offer;
        lease.write(*offer.mutable_lease());
        *offer.mutable_files() = done.files();
        auto& stats = *offer.mutable_stats();
        stats.set_samples(done.samples());
        stats.set_rays(done.rays());
        stats.set_trace_s(done.trace_s());
        stats.set_trace_cpu_s(done.trace_cpu_s());
        stats.set_prepare_s(done.prepare_s());
        stats.set_peak_rss_mb(done.peak_rss_mb());
        if (!seat.finisher) {
            stats.set_device(seat.device);
            for (const auto& note : seat.notes) stats.add_notes(note);
            // So that a finish on this worker need not fetch it; without that it fetches once more.
            if (ok)
                if (const auto linked = cache_.link(task->outputs[0], done.files(0).sha256()); !linked) say(linked.error().message());
        }
        if (ok) ok = results_->keep(lease, task->outputs, offer);
        if (!ok) return fail_task(lease, wire::TaskFailed::GENUINE, std::string(name_of(ok.error().code)), ok.error().message());
        if (results_->leases().size() <= limits::results_ahead) { // see add_results()
            wire::FromWorker message;
            lease.write(*message.mutable_rendered()->mutable_lease());
            send_control(message);
        }
    }
    tasks_.remove_if([&](const Task& one) { return one.lease == lease; });
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
    trim();
}

/// The render process is gone, or has to go: one lease is lost, not the worker.
void Supervisor::lose(Seat& seat, const std::string& why) {
    say(why);
    const auto lease = seat.running;
    seat.running.reset();
    seat.child.reset();
    seat.crashes = std::min(seat.crashes + 1, 6u);
    if (seat.crashes > 1) seat.not_before = Clock::now() + std::chrono::milliseconds(100u << seat.crashes);
    if (!lease) return;
    const auto* task = find(*lease);
    if (task != nullptr && task->revoked)
        tasks_.remove_if([&](const Task& one) { return one.lease == *lease; });
    else
        fail_task(*lease, wire::TaskFailed::LOST, "failed", why);
}

/// About once a second: limits of render processes, and what runs though nobody wants it.
void Supervisor::watch() {
    const auto now = Clock::now();
    next_watch_ = now + std::chrono::seconds(1);
    for (auto* seat : {&tracer_, &finisher_}) {
        if (!seat->child) continue;
        if (const auto why = seat->child->over_limits(); !why.empty()) {
            lose(*seat, why);
            continue;
        }
        const auto* task = seat->running ? find(*seat->running) : nullptr;
        if (task != nullptr && task->revoked && now - *task->revoked > std::chrono::seconds(5)) {
            seat->child.reset();
            tasks_.remove_if([&](const Task& one) { return one.lease == *seat->running; });
            seat->running.reset();
        }
    }
}

} // namespace raymill::farm
