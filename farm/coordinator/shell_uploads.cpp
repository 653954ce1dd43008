// Results: offered, granted, received in parts, checked and stored, and only then told to the core.
#include "farm/coordinator/upload.hpp"
#include "farm/protocol/limits.hpp"
#include "farm/protocol/sha256.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace raymill::farm {

using namespace scheduler;

namespace {

constexpr std::size_t uploads_at_a_time = 512; ///< of all workers; more are told to come again
constexpr Time silent_upload = 60 * second;    ///< then it is forgotten; the worker offers it again

double finite(double value) { return std::isfinite(value) && value >= 0 ? value : 0; }

} // namespace

void Shell::grant(const Upload& upload, std::uint32_t parts) {
    wire::ToWorkerData message;
    auto& grant = *message.mutable_grant();
    to_wire(upload.lease, *grant.mutable_lease());
    grant.set_number(upload.number);
    grant.set_parts(parts);
    parts_.data.send_to(upload.worker, message.SerializeAsString());
}

void Shell::verdict(const std::string& worker, const LeaseRef& lease, wire::Verdict::Outcome outcome, std::uint64_t number) {
    uploads_.erase({worker, lease});
    wire::ToWorkerData message;
    auto& verdict = *message.mutable_verdict();
    to_wire(lease, *verdict.mutable_lease());
    verdict.set_number(number);
    verdict.set_outcome(outcome);
    parts_.data.send_to(worker, message.SerializeAsString());
}

void Shell::on_offer(const std::string& worker, const wire::Offer& offer) {
    const auto lease = from_wire(offer.lease());
    const auto* job = parts_.catalog.find(lease.task.job);
    if (job == nullptr) return verdict(worker, lease, wire::Verdict::NOT_NEEDED, offer.number());
    const bool finish = lease.task.tile == finish_tile;
    const auto most = finish ? limits::frame_file : limits::chunk;
    const bool sound =
        offer.files_size() == (finish ? 1 : 2) &&
        std::ranges::all_of(offer.files(), [&](const auto& f) { return is_sha256(f.sha256()) && f.size() > 0 && f.size() <= most; }) &&
        static_cast<std::size_t>(offer.stats().notes_size()) <= limits::notes;
    if (!sound) return verdict(worker, lease, wire::Verdict::NOT_NEEDED, offer.number());
    const auto mine =
        std::ranges::count_if(uploads_, [&](const auto& entry) { return entry.first.first == worker && entry.first.second != lease; });
    if (uploads_.size() >= uploads_at_a_time || static_cast<std::uint32_t>(mine) >= limits::uploads_a_worker)
        return verdict(worker, lease, wire::Verdict::BUSY, offer.number());

    auto upload = std::make_shared<Upload>();
    upload->id = next_upload_++;
    upload->number = offer.number();
    upload->worker = worker;
    upload->tenant = job->row.added.spec.tenant;
    upload->lease = lease;
    upload->files.assign(offer.files().begin(), offer.files().end());
    upload->touched = now();
    const auto& stats = offer.stats();
    upload->output = {.sha256 = offer.files(0).sha256(),
                      .preview = finish ? "" : offer.files(1).sha256(),
                      .size = offer.files(0).size(),
                      .preview_size = finish ? 0 : offer.files(1).size(),
                      .samples = stats.samples(),
                      .rays = stats.rays(),
                      .trace_s = finite(stats.trace_s()),
                      .trace_cpu_s = finite(stats.trace_cpu_s()),
                      .prepare_s = finite(stats.prepare_s()),
                      .peak_rss_mb = finite(stats.peak_rss_mb())};
    upload->device = stats.device().substr(0, limits::word);
    for (const auto& note : stats.notes()) upload->notes.push_back(note.substr(0, limits::reason));
    uploads_[{worker, lease}] = std::move(upload); // an older one of the same lease is over: its connection broke
    apply(ResultOffered{worker, lease});           // answered by start_upload() or verdict() after the commit
}

void Shell::start_upload(const std::string& worker, const LeaseRef& lease) {
    const auto found = uploads_.find({worker, lease});
    if (found == uploads_.end() || found->second->started) return; // where two offers of it came in one batch, this is asked for twice
    const auto upload = found->second;
    upload->started = true;
    parts_.pool.post(upload->id, [this, upload] {
        // Nothing is sent twice: a result whose verdict was lost is there already.
        const bool there =
            std::ranges::all_of(upload->files, [&](const auto& f) { return parts_.store.size(upload->tenant, f.sha256()) == f.size(); });
        Status ok;
        if (!there)
            for (const auto& file : upload->files) {
                auto writer = parts_.store.write(upload->tenant, file.sha256(), file.size());
                if (!writer) {
                    ok = std::unexpected(writer.error());
                    break;
                }
                upload->writers->push_back(std::move(*writer));
            }
        post([this, upload, there, ok] {
            if (there || !ok) return finish_upload(upload->id, ok);
            upload->granted = true;
            upload->credit = limits::upload_credit;
            grant(*upload, limits::upload_credit);
        });
    });
}

void Shell::on_part(const std::string& worker, const wire::Part& part) {
    const auto found = uploads_.find({worker, from_wire(part.lease())});
    if (found == uploads_.end()) return;
    auto& upload = *found->second;
    // Parts that do not follow are left-overs of a connection that broke, or a fault of the worker's; either way they are dropped, and the
    // worker offers the result again when nothing moves.
    if (part.number() != upload.number || !upload.granted || upload.complete || upload.credit == 0) return;
    const auto& file = upload.files[upload.file];
    if (part.file() != upload.file || part.offset() != upload.offset || part.data().empty() || part.data().size() > limits::part_bytes ||
        part.data().size() > file.size() - upload.offset)
        return;
    --upload.credit;
    upload.touched = now();
    upload.offset += part.data().size();
    const auto index = upload.file;
    if (upload.offset == file.size()) {
        ++upload.file;
        upload.offset = 0;
        upload.complete = upload.file == upload.files.size();
    }
    parts_.pool.post(upload.id, [this, upload = found->second, index, data = part.data(), last = upload.complete] {
        if (upload->writers->empty()) return; // an earlier part failed
        auto ok = (*upload->writers)[index].write(data);
        if (ok && last)
            for (auto& writer : *upload->writers)
                if (ok) ok = writer.finish();
        if (!ok || last) upload->writers->clear();
        post([this, upload, ok, last] {
            if (!ok || last) return finish_upload(upload->id, ok);
            ++upload->credit;
            grant(*upload, 1);
        });
    });
}

void Shell::finish_upload(std::uint64_t id, const Status& outcome) {
    const auto found = std::ranges::find_if(uploads_, [&](const auto& entry) { return entry.second->id == id; });
    if (found == uploads_.end()) return; // a newer offer took its place
    const auto upload = found->second;
    if (!outcome) {
        std::fprintf(stderr, "raymill serve: a result of worker %s could not be stored: %s\n", upload->worker.c_str(),
                     outcome.error().message().c_str());
        // Damaged: the core says whether it may be sent again; verdict() follows after the commit.
        if (outcome.error().code == Code::bad_input) return apply(ResultDamaged{upload->worker, upload->lease});
        return verdict(upload->worker, upload->lease, wire::Verdict::BUSY, upload->number);
    }
    if (const auto* job = parts_.catalog.find(upload->lease.task.job); job != nullptr && job->row.device.empty() && !upload->device.empty())
        gate_.add(JobNoted{upload->lease.task.job, upload->device, upload->notes});
    apply(ResultStored{upload->worker, upload->lease, upload->output}); // verdict() follows after the commit
}

void Shell::drop_stale_uploads() {
    std::erase_if(uploads_, [](const auto& entry) { return !entry.second->complete && entry.second->touched + silent_upload < now(); });
}

} // namespace raymill::farm
