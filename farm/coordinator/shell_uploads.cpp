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
    forget_upload(worker, lease);
    metrics_.results_not_needed += outcome == wire::Verdict::NOT_NEEDED ? 1 : 0;
    metrics_.results_busy += outcome == wire::Verdict::BUSY ? 1 : 0;
    metrics_.results_damaged += outcome == wire::Verdict::DAMAGED ? 1 : 0;
    wire::ToWorkerData message;
    auto& verdict = *message.mutable_verdict();
    to_wire(lease, *verdict.mutable_lease());
    verdict.set_number(number);
    verdict.set_outcome(outcome);
    parts_.data.send_to(worker, message.SerializeAsString());
}

void Shell::forget_upload(const std::string& worker, const LeaseRef& lease) {
    const auto found = uploads_.find({worker, lease});
    if (found == uploads_.end()) return;
    whole_bytes_ -= found->second->whole;
    uploads_.erase(found);
}

void Shell::on_offer(const std::string& worker, wire::Offer& offer) {
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
    std::size_t whole = 0;
    bool all_here = true;
    for (const auto& file : offer.files()) {
        whole += file.data().size();
        all_here = all_here && file.data().size() == file.size();
    }
    if (!all_here) whole = 0;
    std::uint32_t mine = 0;
    for (auto at = uploads_.lower_bound({worker, {}}); at != uploads_.end() && at->first.first == worker; ++at)
        mine += at->first.second != lease && (at->second->whole != 0) == (whole != 0) ? 1 : 0;
    const bool busy = whole != 0 ? mine >= limits::whole_offers_a_worker || whole_bytes_ + whole > limits::whole_offers_bytes
                                 : mine >= limits::uploads_a_worker || uploads_.size() >= uploads_at_a_time;
    if (busy) return verdict(worker, lease, wire::Verdict::BUSY, offer.number());

    auto upload = std::make_shared<Upload>();
    upload->id = next_upload_++;
    upload->number = offer.number();
    upload->worker = worker;
    upload->tenant = job->row.added.spec.tenant;
    upload->lease = lease;
    upload->whole = whole;
    for (auto& file : *offer.mutable_files()) {
        if (whole == 0) file.clear_data();
        upload->files.push_back(std::move(file));
    }
    upload->touched = now();
    const auto& stats = offer.stats();
    const auto& files = upload->files;
    upload->output = {.sha256 = files[0].sha256(),
                      .preview = finish ? "" : files[1].sha256(),
                      .size = files[0].size(),
                      .preview_size = finish ? 0 : files[1].size(),
                      .samples = stats.samples(),
                      .rays = stats.rays(),
                      .trace_s = finite(stats.trace_s()),
                      .trace_cpu_s = finite(stats.trace_cpu_s()),
                      .prepare_s = finite(stats.prepare_s()),
                      .peak_rss_mb = finite(stats.peak_rss_mb()),
                      .score = workers_[worker].score};
    upload->device = stats.device().substr(0, limits::word);
    for (const auto& note : stats.notes()) upload->notes.push_back(note.substr(0, limits::reason));
    forget_upload(worker, lease); // an older one of the same lease is over: its connection broke
    whole_bytes_ += whole;
    uploads_[{worker, lease}] = std::move(upload);
    apply(ResultOffered{worker, lease}); // answered by start_upload(), or by verdict() after the commit
}

void Shell::start_upload(const std::string& worker, const LeaseRef& lease) {
    const auto found = uploads_.find({worker, lease});
    if (found == uploads_.end() || found->second->started) return; // where two offers of it came in one batch, this is asked for twice
    const auto upload = found->second;
    upload->started = true;
    if (upload->whole != 0) {
        upload->complete = true;
        whole_.push_back(upload);
        return;
    }
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
            if (there || !ok) return finish_upload(*upload, ok);
            // A newer offer of it may have taken its place while the lanes worked: that one has its own grant.
            if (const auto now_there = uploads_.find({upload->worker, upload->lease});
                now_there == uploads_.end() || now_there->second != upload)
                return;
            upload->granted = true;
            upload->credit = limits::upload_credit;
            grant(*upload, limits::upload_credit);
        });
    });
}

void Shell::on_part(const std::string& worker, wire::Part& part) {
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
    auto data = std::make_shared<std::string>(std::move(*part.mutable_data()));
    if (upload.offset == file.size()) {
        ++upload.file;
        upload.offset = 0;
        upload.complete = upload.file == upload.files.size();
    }
    parts_.pool.post(upload.id, [this, upload = found->second, index, data, last = upload.complete] {
        if (upload->writers->empty()) return; // an earlier part failed
        auto ok = (*upload->writers)[index].write(*data);
        if (ok && last)
            for (auto& writer : *upload->writers)
                if (ok) ok = writer.finish();
        if (!ok || last) upload->writers->clear();
        post([this, upload, ok, last] {
            if (!ok || last) return finish_upload(*upload, ok);
            ++upload->credit;
            grant(*upload, 1);
        });
    });
}

/// Stores what came whole, all of it with one fsync; the more comes meanwhile, the more the next one holds.
void Shell::store_whole_offers() {
    if (storing_whole_ || whole_.empty()) return;
    storing_whole_ = true;
    whole_store_.post(0, [this, uploads = std::exchange(whole_, {})] {
        std::vector<Store::Small> blobs;
        for (const auto& upload : uploads)
            for (const auto& file : upload->files) blobs.push_back({upload->tenant, file.sha256(), file.data()});
        auto outcomes = parts_.store.put_small(blobs);
        std::vector<Status> each(uploads.size());
        std::size_t next = 0;
        for (std::size_t i = 0; i < uploads.size(); ++i)
            for (std::size_t file = 0; file < uploads[i]->files.size(); ++file, ++next)
                if (each[i] && !outcomes[next]) each[i] = std::move(outcomes[next]);
        post([this, uploads, each = std::move(each)] {
            storing_whole_ = false;
            for (std::size_t i = 0; i < uploads.size(); ++i) finish_upload(*uploads[i], each[i]);
        });
    });
}

void Shell::finish_upload(const Upload& finished, const Status& outcome) {
    const auto found = uploads_.find({finished.worker, finished.lease});
    if (found == uploads_.end() || found->second->id != finished.id) return; // a newer offer took its place
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
