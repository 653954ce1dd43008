#include "farm/cli/job_file.hpp"
#include "farm/client/http.hpp"
#include "farm/coordinator/access.hpp"
#include "farm/coordinator/request_head.hpp"
#include "farm/protocol/address.hpp"
#include "farm/protocol/framing.hpp"
#include "farm/protocol/json_text.hpp"
#include "farm/protocol/keys.hpp"
#include "farm/protocol/limits.hpp"
#include "farm/protocol/manifest.hpp"
#include "farm/protocol/messages.hpp"
#include "farm/protocol/rendezvous.hpp"
#include "farm/worker/sandbox.hpp"
#include "tests/fuzz/targets.hpp"

#include <cstdlib>
#include <fstream>
#include <sys/socket.h>
#include <tuple>
#include <unistd.h>

namespace raymill::fuzz {

using namespace farm;

namespace {

const std::string hash(64, 'a');

std::vector<std::string> head_seeds() {
    return {"POST /v1/jobs HTTP/1.1\r\nHost: farm\r\nContent-Length: 12\r\nAuthorization: Bearer rmk_1\r\nContent-Type: "
            "application/json\r\n\r\n",
            "GET /v1/jobs/1/frames/1/image HTTP/1.0\r\nRange: bytes=5-\r\n\r\n", "PUT /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"};
}
void run_head(Bytes input) {
    const auto read = read_head(text_of(input));
    if (const auto* fault = std::get_if<HeadFault>(&read))
        return promise(fault->status >= 400 && !fault->words.empty(), "a refusal without words");
    const auto& head = std::get<RequestHead>(read);
    promise(head.body <= limits::json_body && head.target.size() <= limits::http_target && head.target.starts_with('/'),
            "a head past its bounds");
}

std::vector<std::string> json_seeds() {
    return {R"({"scene":")" + hash + R"(","settings":{"size":"16x16","spp":"4"},"name":"n","key":"k"})",
            R"({"manifest":{"main":"a","files":[]}})"};
}
void run_json(Bytes input) {
    const auto root = parse_json(text_of(input));
    if (root) static_cast<void>(root->dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

std::vector<std::string> manifest_seeds() {
    return {R"({"main":"a.gltf","files":[{"path":"a.gltf","sha256":")" + hash + R"(","size":12},{"path":"t/b.png","sha256":")" + hash +
            R"(","size":0}]})"};
}
void run_manifest(Bytes input) {
    const auto manifest = parse_manifest(text_of(input));
    if (!manifest) return;
    for (const auto& file : manifest->files)
        promise(file.path.front() != '/' && ("/" + file.path + "/").find("/../") == std::string::npos, "a manifest's path leads out");
    const auto again = parse_manifest(canonical(*manifest));
    promise(again.has_value() && *again == *manifest, "a manifest does not survive being written and read");
}

template<class Message> void parse(const std::string& text) {
    Message message;
    if (!message.ParseFromString(text)) return;
    Message again;
    promise(again.ParseFromString(message.SerializeAsString()), "a message does not survive being written and read");
}
std::vector<std::string> message_seeds() {
    wire::FromWorker hello;
    hello.mutable_hello()->set_protocol(2);
    hello.mutable_hello()->set_worker("w");
    hello.mutable_hello()->add_leases()->mutable_lease()->set_job(77);
    wire::FromWorkerData offer;
    offer.mutable_offer()->add_files()->set_sha256(hash);
    offer.mutable_offer()->mutable_stats()->set_trace_s(1.5);
    wire::ToWorker assign;
    (*assign.mutable_assign()->mutable_settings())["spp"] = "4";
    wire::ToRender open;
    open.mutable_open()->set_scene_file("/x");
    wire::FromRender done;
    done.mutable_done()->add_files()->set_size(9);
    return {hello.SerializeAsString(), offer.SerializeAsString(), assign.SerializeAsString(), open.SerializeAsString(),
            done.SerializeAsString()};
}
void run_messages(Bytes input) {
    const auto text = text_of(input);
    parse<wire::FromWorker>(text);
    parse<wire::FromWorkerData>(text);
    parse<wire::ToWorker>(text);
    parse<wire::ToWorkerData>(text);
    parse<wire::ToRender>(text);
    parse<wire::FromRender>(text);
}

std::vector<std::string> frame_seeds() { return {std::string("\5\0\0\0hello\0\0\0\0\2\0\0\0hi", 19), std::string("\xff\xff\xff\xff", 4)}; }
void run_frames(Bytes input) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return;
    const auto text = text_of(input).substr(0, 60000); // what the socket takes at once
    [[maybe_unused]] const auto sent = ::send(ends[0], text.data(), text.size(), MSG_NOSIGNAL);
    ::shutdown(ends[0], SHUT_WR);
    FrameReader reader;
    std::size_t bytes = 0;
    for (auto open = reader.pump(ends[1]);; open = reader.pump(ends[1])) {
        while (const auto frame = reader.next()) bytes += 4 + frame->size();
        if (!open || !*open) break;
    }
    promise(bytes <= text.size(), "frames came out of nothing");
    ::close(ends[0]);
    ::close(ends[1]);
}

std::vector<std::string> job_file_seeds() {
    return {"scene = \"hall.glb\"\nsize = \"1920x1080\"\nspp = 256\nkey = \"k\"\n\n[[shot]]\nname = \"day\"\nframes = \"1-48\"\noutput = "
            "\"out/day.####.exr\"\n",
            "[[shot]]\nscene='a.glb'\nname='n'\nenv=[1,2,3]\nenv-hidden=true\n"};
}
void run_job_file(Bytes input) {
    const auto job = cli::read_job_file(file_of(input, "job.toml"));
    if (!job) return promise(!job.error().what.empty(), "an error without words");
    promise(!job->shots.empty() && job->shots.size() <= cli::max_shots, "a job file without a bound");
}

std::vector<std::string> address_seeds() {
    return {"http://127.0.0.1:8080", "https://farm.example:443#sha256:" + hash, "tcp://[::1]:8081", "0.0.0.0:0", "r/a\nw/b"};
}
void run_addresses(Bytes input) {
    const auto text = text_of(input);
    if (const auto address = parse_address(text, 1)) promise(parse_address(address->text(), 2).has_value(), "an address does not survive");
    if (const auto server = client::parse_server(text))
        promise(client::parse_server(server->url()).has_value(), "a server's URL does not survive");
    static_cast<void>(plan_of(text));
    static_cast<void>(is_key(text));
    std::ignore = check_tenant_name(text);
}

/// Files in the user's own folders: nobody else should write them, but an older version, an editor or a full disk may have.
std::vector<std::string> secret_seeds() {
    const auto keys = make_keys();
    return {"{\"pid\":1,\"start\":1,\"token\":\"t\"}",
            "{\"pid\":1,\"start\":1,\"server\":\"" + keys.public_key + "\",\"public\":\"" + keys.public_key + "\",\"secret\":\"" +
                keys.secret_key + "\"}",
            keys.public_key + "\n" + keys.secret_key + "\n",
            R"({"tenants":["t"],"keys":[{"id":"1","tenant":"t","scope":"submit","note":"","sha256":")" + hash +
                R"(","created_us":1,"expires_us":0}]})"};
}
void run_secrets(Bytes input) {
    const auto file = file_of(input, "access.json");
    const auto folder = file.parent_path();
    if (const auto access = Access::open(folder)) promise(!(*access)->identify("anybody"), "somebody came in");
    std::ignore = load_or_make_keys(file);
    std::ignore = load_or_make_token(file);
    WorkerKeys workers(file, "");
    promise(!workers.accepts(std::string(40, 'z')), "a worker came in");
    std::error_code ignored;
    std::filesystem::create_directory(folder / "run", ignored);
    std::filesystem::permissions(folder / "run", std::filesystem::perms::owner_all, ignored);
    ::setenv("RAYMILL_HOME", folder.c_str(), 1);
    const Address address{"127.0.0.1", 1};
    for (const char* kind : {"http", "workers"})
        std::filesystem::copy_file(file, folder / "run" / (std::string(kind) + "-127.0.0.1-1.json"),
                                   std::filesystem::copy_options::overwrite_existing, ignored);
    static_cast<void>(find_http(address));
    static_cast<void>(find_workers(address));
}

constexpr Target targets[] = {
    {"head", head_seeds, run_head, 30000},
    {"json", json_seeds, run_json, 30000},
    {"manifest", manifest_seeds, run_manifest, 20000},
    {"messages", message_seeds, run_messages, 20000},
    {"frames", frame_seeds, run_frames, 8000},
    {"job_file", job_file_seeds, run_job_file, 4000},
    {"addresses", address_seeds, run_addresses, 30000},
    {"secrets", secret_seeds, run_secrets, 1500},
};

} // namespace

std::span<const Target> farm_targets() { return targets; }

} // namespace raymill::fuzz
