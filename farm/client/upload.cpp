#include "farm/client/upload.hpp"

#include "farm/protocol/api.hpp"
#include "farm/protocol/sha256.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

namespace raymill::farm::client {
namespace {

/// Calls `job(i)` for i in [0, count) from a few threads; the first error ends the rest and is returned.
Status for_each_in_parallel(std::size_t count, unsigned threads, const std::function<Status(unsigned thread, std::size_t i)>& job) {
    std::atomic<std::size_t> next = 0;
    std::mutex mutex;
    std::optional<Error> first;
    const auto run = [&](unsigned thread) {
        for (std::size_t i = next++; i < count; i = next++) {
            const auto done = job(thread, i);
            if (done) continue;
            const std::lock_guard lock(mutex);
            if (!first) first = done.error();
            next = count;
        }
    };
    {
        std::vector<std::jthread> pool;
        for (unsigned t = 1; t < std::min<std::size_t>(threads, count); ++t) pool.emplace_back(run, t);
        run(0);
    }
    if (first) return std::unexpected(*first);
    return {};
}

Status hash_file(const std::filesystem::path& source, ManifestFile& into, const std::stop_token& stop) {
    std::error_code fault;
    if (!std::filesystem::is_regular_file(source, fault))
        return fail(Code::bad_input, source.string(), std::filesystem::exists(source, fault) ? "is not a file" : "there is no such file");
    std::ifstream file(source, std::ios::binary);
    if (!file) return fail(Code::bad_input, source.string(), std::string("cannot be opened: ") + std::strerror(errno));
    Sha256 hash;
    std::vector<char> buffer(1u << 20);
    into.size = 0;
    do {
        if (stop.stop_requested()) return fail(Code::failed, "", "interrupted");
        file.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
        const auto got = static_cast<std::size_t>(file.gcount());
        hash.update({buffer.data(), got});
        into.size += got;
    } while (file);
    if (file.bad()) return fail(Code::bad_input, source.string(), "cannot be read to its end");
    into.sha256 = hash.finish();
    return {};
}

std::optional<std::uint64_t> have_of(const Response& response) {
    const auto body = nlohmann::json::parse(response.body, nullptr, false);
    if (!body.is_object() || !body.contains("have") || !body["have"].is_number_unsigned()) return std::nullopt;
    return body["have"].get<std::uint64_t>();
}

std::unexpected<Error> changed(const std::filesystem::path& source) {
    return fail(Code::bad_input, source.string(), "the file changed while it was being sent; run the command again");
}

/// What is shared between the connections of one upload.
struct Tally {
    explicit Tally(const UploadOptions& o) : options(o) {}
    const UploadOptions& options;
    std::mutex mutex;
    UploadProgress progress;
    std::uint64_t bytes_sent = 0;

    void add(std::uint64_t sent, std::uint64_t arrived, std::uint64_t files) {
        const std::lock_guard lock(mutex);
        bytes_sent += sent, progress.bytes_done += arrived, progress.files_done += files;
        if (options.on_progress) options.on_progress(progress);
    }
};

/// One blob on its way over one connection.
class Sending {
  public:
    Sending(Client& client, Tally& tally, const ManifestFile& file, const std::filesystem::path& source, std::uint64_t have)
        : client_(client), tally_(tally), file_(file), source_(source), have_(have), furthest_(have), input_(source, std::ios::binary) {}

    Status run() {
        if (!input_) return changed(source_);
        const std::uint64_t most = tally_.options.piece_bytes ? tally_.options.piece_bytes : max_piece_bytes;
        while (!whole_) {
            std::string piece(std::min(most, file_.size - have_), '\0');
            input_.clear();
            input_.seekg(static_cast<std::streamoff>(have_));
            input_.read(piece.data(), static_cast<std::streamsize>(piece.size()));
            if (static_cast<std::size_t>(input_.gcount()) != piece.size()) return changed(source_);
            const auto sent = piece.size();
            const auto answer = client_.http().put_once(
                "/v1/blobs/" + file_.sha256 + "?offset=" + std::to_string(have_) + "&size=" + std::to_string(file_.size), std::move(piece));
            tally_.add(sent, 0, 0);
            if (auto good = digest(answer); !good) return good;
        }
        tally_.add(0, 0, 1);
        return {};
    }

  private:
    /// From an answer to a piece to what is to be done next.
    Status digest(const Result<Response>& answer) {
        if (client_.http().stopped()) return std::unexpected(client_.http().interrupted());
        if (!answer) {
            if (answer.error().code != Code::unreachable) return std::unexpected(answer.error());
            return ask(answer.error());
        }
        const int status = answer->status;
        const auto error = [&] { return refusal(*answer, source_.string()); };
        if (status == 429 || status >= 500) return ask(error());
        const auto now = have_of(*answer);
        if (status >= 200 && status < 300 && now && *now <= file_.size && (*now > have_ || file_.size == 0)) {
            whole_ = *now == file_.size;
            arrived(*now);
            return {};
        }
        if (status == 409 && now && *now <= file_.size) { // somebody else sends the same blob, or an earlier answer was lost
            if (*now == file_.size)
                whole_ = true;
            else if (*now <= furthest_ && !client_.http().back_off(tries_++, since_))
                return std::unexpected(error());
            arrived(*now);
            return {};
        }
        if (status == 400) return mismatch(error());
        return std::unexpected(
            status >= 300 ? error() : Error{Code::refused, source_.string(), "the server does not say how much of the file it has"});
    }

    /// The hash did not match, and the server dropped what it had. A stale half of an earlier upload can be the cause: then once more from
    /// the start.
    Status mismatch(const Error& error) {
        if (error.code != Code::bad_input) return std::unexpected(error);
        const auto hash = sha256_of_file(source_);
        if (!hash || *hash != file_.sha256) return changed(source_);
        if (again_) return std::unexpected(error);
        again_ = true;
        arrived(0);
        return {};
    }

    /// After a connection that broke with an unknown outcome: wait, then learn what the server has.
    Status ask(const Error& why) {
        if (!client_.http().back_off(tries_++, since_))
            return std::unexpected(client_.http().stopped() ? client_.http().interrupted() : why);
        const auto missing = client_.missing_blobs({file_.path, {file_}});
        if (!missing) return std::unexpected(missing.error());
        whole_ = missing->empty();
        const auto now = whole_ ? file_.size : missing->front().have;
        if (now > file_.size) return fail(Code::refused, source_.string(), "the server says that it has more of this file than there is");
        arrived(now);
        return {};
    }

    void arrived(std::uint64_t now) {
        have_ = now;
        if (now <= furthest_) return;
        tally_.add(0, now - furthest_, 0);
        furthest_ = now;
        since_ = std::chrono::steady_clock::now(), tries_ = 0; // patience is with a standstill, not with a long file
    }

    Client& client_;
    Tally& tally_;
    const ManifestFile& file_;
    const std::filesystem::path& source_;
    std::uint64_t have_, furthest_; ///< bytes that the server has; and has had
    std::ifstream input_;
    std::chrono::steady_clock::time_point since_ = std::chrono::steady_clock::now();
    unsigned tries_ = 0;
    bool whole_ = false, again_ = false;
};

} // namespace

Result<LocalScene> make_manifest(const SceneFiles& scene, std::stop_token stop) {
    LocalScene local;
    std::vector<const SceneFiles::File*> order;
    for (const auto& file : scene.files) order.push_back(&file);
    std::ranges::sort(order, {}, [](const SceneFiles::File* f) { return std::string_view(f->path); });
    local.manifest.main = scene.main;
    local.manifest.files.resize(order.size());
    for (std::size_t i = 0; i < order.size(); ++i) {
        local.manifest.files[i].path = order[i]->path;
        local.sources.push_back(order[i]->source);
    }
    const unsigned threads = std::clamp(std::thread::hardware_concurrency(), 1u, 16u);
    if (auto done = for_each_in_parallel(
            order.size(), threads, [&](unsigned, std::size_t i) { return hash_file(local.sources[i], local.manifest.files[i], stop); });
        !done)
        return std::unexpected(done.error());
    if (auto good = check_manifest(local.manifest); !good) return std::unexpected(good.error());
    return local;
}

Result<UploadResult> upload(Client& client, const LocalScene& scene, const UploadOptions& options) {
    const auto& manifest = scene.manifest;
    std::map<std::string_view, std::size_t> by_hash; // to the first file with that content
    for (std::size_t i = 0; i < manifest.files.size(); ++i) by_hash.emplace(manifest.files[i].sha256, i);

    UploadResult result;
    constexpr int rounds = 3; // the server may lose a blob between the question and the answer (an upload given up long ago, swept)
    for (int round = 1;; ++round) {
        const auto missing = client.missing_blobs(manifest);
        if (!missing) return std::unexpected(missing.error());
        Tally tally(options);
        for (const auto& blob : *missing) {
            const auto at = by_hash.find(blob.sha256);
            if (at == by_hash.end() || blob.have > manifest.files[at->second].size)
                return fail(Code::refused, client.http().server().url(), "the server asks for something that is not in the scene");
            tally.progress.bytes += manifest.files[at->second].size - blob.have;
            ++tally.progress.files;
        }
        if (!missing->empty()) {
            std::vector<std::optional<Client>> connections(std::max(1u, options.connections));
            auto sent =
                for_each_in_parallel(missing->size(), static_cast<unsigned>(connections.size()), [&](unsigned thread, std::size_t i) {
                    auto& connection = connections[thread];
                    if (!connection) connection.emplace(options.connect());
                    const auto& blob = (*missing)[i];
                    const auto file = by_hash.at(blob.sha256);
                    return Sending(*connection, tally, manifest.files[file], scene.sources[file], blob.have).run();
                });
            result.bytes_sent += tally.bytes_sent;
            result.blobs_sent += tally.progress.files_done;
            if (!sent) return std::unexpected(sent.error());
        }
        const auto created = client.create_scene(manifest);
        if (created) {
            result.scene = *created;
            break;
        }
        if (created.error().code != Code::refused || round == rounds) return std::unexpected(created.error());
    }
    if (result.scene != scene_id(manifest))
        return fail(Code::refused, client.http().server().url(),
                    "the server names this scene " + result.scene.substr(0, 64) + "; client and server are of versions that do not fit");
    return result;
}

} // namespace raymill::farm::client
