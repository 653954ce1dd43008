// What workers say and are told. Everything that arrives is checked against limits.hpp; a peer that says what no worker of ours says is
// blocked.
#include "farm/coordinator/shell.hpp"
#include "farm/coordinator/upload.hpp"
#include "farm/protocol/limits.hpp"
#include "farm/protocol/sha256.hpp"
#include "renderer/base/check.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace raymill::farm {

using namespace scheduler;

void Shell::refuse(const std::string& peer, const std::string& why) {
    wire::ToWorker message;
    message.mutable_refused()->set_reason(why);
    if (parts_.audit != nullptr)
        parts_.audit->write({.who = "worker", .what = "worker.refused", .from = {}, .outcome = "refused", .detail = why});
    parts_.control.send(peer, message.SerializeAsString());
}

void Shell::on_control(const Router::Message& message) {
    wire::FromWorker body;
    if (!body.ParseFromString(message.body) || body.body_case() == wire::FromWorker::BODY_NOT_SET) {
        parts_.control.block(message.peer);
        return;
    }
    if (body.has_hello()) {
        on_hello(message, body);
        return;
    }
    const auto* known = parts_.control.worker_of(message.peer);
    if (known == nullptr) {
        wire::ToWorker again;
        again.mutable_hello_again();
        parts_.control.send(message.peer, again.SerializeAsString());
        return;
    }
    const auto worker = *known;
    const auto event = event_of(worker, body);
    if (!event) {
        parts_.control.block(message.peer);
        return;
    }
    if (body.has_heartbeat() && !body.heartbeat().device().empty())
        workers_[worker].device = words(body.heartbeat().device(), limits::word);
    if (const auto* failed = std::get_if<TaskFailed>(&*event)) {
        ++metrics_.tasks_failed;
        std::fprintf(stderr, "raymill serve: worker %s could not do frame %u tile %u of job %s: %s\n", worker.c_str(),
                     failed->lease.task.frame, failed->lease.task.tile, job_text(failed->lease.task.job).c_str(),
                     failed->fault.message.c_str());
    }
    apply(*event);
    if (body.has_goodbye()) parts_.control.forget(message.peer);
}

void Shell::on_hello(const Router::Message& message, const wire::FromWorker& body) {
    const auto& hello = body.hello();
    if (hello.protocol() != protocol_version) {
        refuse(message.peer, "this server speaks protocol " + std::to_string(protocol_version) + ", the worker " +
                                 std::to_string(hello.protocol()) + "; use the same raymill on both");
        return;
    }
    const auto event = event_of(hello.worker(), body);
    if (!event) {
        parts_.control.block(message.peer);
        return;
    }
    if (!names_.claim(hello.worker(), message.key)) {
        refuse(message.peer, "another key already works under the name " + hello.worker());
        return;
    }
    if (!parts_.farm.has_worker(hello.worker()) && parts_.farm.worker_count() >= limits::workers) {
        refuse(message.peer, "the farm has " + std::to_string(limits::workers) + " workers, which is the most");
        return;
    }
    if (parts_.audit != nullptr && !workers_.contains(hello.worker()))
        parts_.audit->write({.who = "worker " + hello.worker(), .what = "worker.hello", .from = {}, .detail = "with key " + message.key});
    ++metrics_.hellos;
    parts_.control.introduce(message.peer, hello.worker());
    if (workers_.size() >= 2 * limits::workers)
        std::erase_if(workers_, [this](const auto& row) { return !parts_.farm.has_worker(row.first); });
    auto& row = workers_[hello.worker()];
    row.host = words(hello.host(), limits::word);
    row.score = std::isfinite(hello.score()) ? std::clamp(hello.score(), 0.0, limits::best_score) : 0;
    if (!hello.device().empty()) row.device = words(hello.device(), limits::word);
    apply(*event);
}

std::string Shell::assign_message(const LeaseRef& lease) {
    const auto* job = parts_.catalog.find(lease.task.job);
    CHECK_TRUE(job != nullptr);
    if (assign_heads_.size() > 1024) assign_heads_.clear();
    auto& head = assign_heads_[lease.task.job];
    if (head.empty()) {
        wire::ToWorker message;
        auto& assign = *message.mutable_assign();
        assign.set_scene(job->row.added.scene);
        for (const auto& [name, word] : job->row.added.settings)
            if (name != "frames" && name != "tile") (*assign.mutable_settings())[name] = word; // the task says them
        assign.set_tile_edge(job->row.added.tile_edge);
        head = message.SerializeAsString();
    }
    // Two serialised messages one after the other are read as one (protobuf merges them).
    wire::ToWorker message;
    to_wire(lease, *message.mutable_assign()->mutable_lease());
    message.mutable_assign()->set_frame_number(job->numbers[lease.task.frame]);
    return head + message.SerializeAsString();
}

void Shell::send_data(const std::string& peer, const wire::ToWorkerData& message) { parts_.data.send(peer, message.SerializeAsString()); }

void Shell::on_data(const Router::Message& message) {
    wire::FromWorkerData body;
    if (!body.ParseFromString(message.body) || body.body_case() == wire::FromWorkerData::BODY_NOT_SET) {
        parts_.data.block(message.peer);
        return;
    }
    if (body.has_attach()) {
        // The name was claimed by this key in a Hello; else the worker is asked again, after its next message.
        if (names_.owns(body.attach().worker(), message.key)) parts_.data.introduce(message.peer, body.attach().worker());
        return;
    }
    const auto* known = parts_.data.worker_of(message.peer);
    if (known == nullptr) {
        wire::ToWorkerData again;
        again.mutable_attach_again();
        send_data(message.peer, again);
        return;
    }
    const auto worker = *known;
    switch (body.body_case()) {
    case wire::FromWorkerData::kOffer:
        on_offer(worker, *body.mutable_offer());
        break;
    case wire::FromWorkerData::kPart:
        on_part(worker, *body.mutable_part());
        break;
    case wire::FromWorkerData::kFetch:
        on_fetch(message.peer, body.fetch());
        break;
    case wire::FromWorkerData::kFetchChunkList:
        on_fetch_chunk_list(message.peer, body.fetch_chunk_list());
        break;
    default:
        break;
    }
}

void Shell::on_fetch(const std::string& peer, const wire::Fetch& fetch) {
    wire::ToWorkerData answer;
    auto& blob = *answer.mutable_blob();
    blob.set_sha256(fetch.sha256().substr(0, 64));
    blob.set_offset(fetch.offset());
    const auto* job = parts_.catalog.find(fetch.job());
    if (!is_sha256(fetch.sha256()) || job == nullptr) {
        blob.set_error("there is no such job or blob");
        send_data(peer, answer);
        return;
    }
    if (fetches_[peer] >= limits::fetches_a_worker) { // it asks for more than it may have under way
        parts_.data.block(peer);
        fetches_.erase(peer);
        return;
    }
    ++fetches_[peer];
    // One lane a peer, so that the parts of a blob come in the order they were asked for.
    const auto lane = std::hash<std::string>{}(peer);
    parts_.pool.post(lane, [this, peer, tenant = job->row.added.spec.tenant, answer]() mutable {
        auto& part = *answer.mutable_blob();
        const auto size = parts_.store.size(tenant, part.sha256());
        auto bytes = size ? parts_.store.read(tenant, part.sha256(), part.offset(), limits::part_bytes)
                          : fail(Code::io, "", "there is no such blob");
        if (bytes) {
            part.set_total(*size);
            part.set_data(std::move(*bytes));
        } else {
            part.set_error(bytes.error().message());
        }
        post([this, peer, answer = std::move(answer)] {
            if (const auto count = fetches_.find(peer); count != fetches_.end() && --count->second == 0) fetches_.erase(count);
            send_data(peer, answer);
        });
    });
}

void Shell::on_fetch_chunk_list(const std::string& peer, const wire::FetchChunkList& fetch) {
    constexpr std::size_t tiles_a_message = 8192; // 32 bytes each
    const auto* job = parts_.catalog.find(fetch.job());
    wire::ToWorkerData answer;
    auto& list = *answer.mutable_chunk_list();
    list.set_job(fetch.job());
    list.set_frame(fetch.frame());
    list.set_first(fetch.first());
    if (job == nullptr) {
        list.set_error("there is no such job");
        send_data(peer, answer);
        return;
    }
    list.set_total(job->row.added.spec.tiles);
    parts_.pool.post(std::hash<std::string>{}(peer), [this, peer, answer]() mutable {
        auto& out = *answer.mutable_chunk_list();
        const auto tiles = parts_.ledger.chunks(out.job(), out.frame(), out.first(), tiles_a_message);
        if (!tiles) out.set_error(tiles.error().message());
        auto expected = out.first();
        std::string hashes;
        if (tiles)
            for (const auto& tile : *tiles) {
                if (tile.task.tile != expected++) break;
                for (std::size_t i = 0; i < 64; i += 2)
                    hashes.push_back(static_cast<char>(std::stoi(tile.output.sha256.substr(i, 2), nullptr, 16)));
            }
        if (tiles && hashes.empty()) out.set_error("the frame has tiles that are not done");
        out.set_hashes(std::move(hashes));
        post([this, peer, answer = std::move(answer)] { send_data(peer, answer); });
    });
}

} // namespace raymill::farm
