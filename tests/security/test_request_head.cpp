// What the HTTP door reads before anything else does: one meaning only, and bounds.
#include "farm/coordinator/request_head.hpp"
#include "farm/protocol/json_text.hpp"
#include "farm/protocol/limits.hpp"

#include <doctest/doctest.h>

using namespace raymill::farm;

namespace {

int status(const std::string& text) {
    const auto read = read_head(text);
    const auto* fault = std::get_if<HeadFault>(&read);
    if (fault != nullptr) CHECK_FALSE(fault->words.empty());
    return fault != nullptr ? fault->status : 0;
}
std::string post(const std::string& headers) { return "POST /v1/jobs HTTP/1.1\r\n" + headers + "\r\n"; }

} // namespace

TEST_CASE("an everyday head is read, whatever the letters' case") {
    const auto read =
        read_head("PUT /v1/blobs/00?offset=0&size=5 HTTP/1.1\r\nHost: h\r\ncontent-LENGTH:  5 \r\nauthorization: bearer  abc\r\n\r\n");
    const auto* head = std::get_if<RequestHead>(&read);
    REQUIRE(head != nullptr);
    CHECK(*head == RequestHead{"PUT", "/v1/blobs/00?offset=0&size=5", "abc", true, 5, false});
    CHECK(std::get<RequestHead>(read_head("POST /v1/jobs/1/cancel HTTP/1.1\r\n\r\n")).no_length);
    CHECK(std::get<RequestHead>(read_head("GET / HTTP/1.0\r\nAuthorization: Basic abc\r\n\r\n")).token.empty());
}

TEST_CASE("heads that two readers could read in two ways are refused") {
    CHECK(status(post("Content-Length: 5\r\nContent-Length: 5\r\n")) == 400);
    CHECK(status(post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n")) == 411);
    for (const std::string bad : {"Content-Length: -1\r\n", "Content-Length: +5\r\n", "Content-Length: 5, 5\r\n", "Content-Length: 0x5\r\n",
                                  "Content-Length:\r\n", "Content-Length : 5\r\n", "Content-Length: 99999999999999999999\r\n",
                                  "no colon\r\n", ": nameless\r\n", " folded: line\r\n", "A: b\n c\r\n", "A: b\rc\r\n"})
        CHECK_MESSAGE(status(post(bad)) == 400, bad);
    CHECK(status("GET /v1/jobs HTTP/1.1\r\nA: b\n\r\n\r\n") == 400);
    CHECK(status(std::string("GET / HTTP/1.1\r\nA: ") + '\0' + "\r\n\r\n") == 400);
    CHECK(status("GET / HTTP/1.1\r\nContent-Length: 3\r\n\r\n") == 400); // a body where none is read would be the next request
    CHECK(status("GET / HTTP/1.1\r\nAuthorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n") == 400);
    for (const std::string bad : {"GET /\r\n\r\n", "GET  / HTTP/1.1\r\n\r\n", "GET / / HTTP/1.1\r\n\r\n", "GET x HTTP/1.1\r\n\r\n",
                                  "GET http://h/ HTTP/1.1\r\n\r\n", "\r\n\r\n", "GET / HTTP/1.1\r\n"})
        CHECK_MESSAGE(status(bad) == 400, bad);
    CHECK(status("GET / HTTP/2.0\r\n\r\n") == 505);
    CHECK(status("CONNECT / HTTP/1.1\r\n\r\n") == 501);
}

TEST_CASE("sizes and counts of a head have bounds: at each it passes, one past it does not") {
    const auto target = [](std::size_t size) { return "GET /" + std::string(size - 1, 'x') + " HTTP/1.1\r\n\r\n"; };
    CHECK(status(target(limits::http_target)) == 0);
    CHECK(status(target(limits::http_target + 1)) == 414);
    const auto headers = [](int count) {
        std::string text = "GET / HTTP/1.1\r\n";
        for (int i = 0; i < count; ++i) text += "A: b\r\n";
        return text + "\r\n";
    };
    CHECK(status(headers(100)) == 0);
    CHECK(status(headers(101)) == 431);
    const std::string most = "GET / HTTP/1.1\r\nA: ";
    CHECK(status(most + std::string(limits::http_head - most.size() - 4, 'x') + "\r\n\r\n") == 0);
    CHECK(status(most + std::string(limits::http_head - most.size() - 3, 'x') + "\r\n\r\n") == 431);
    CHECK(status(post("Content-Length: " + std::to_string(limits::json_body) + "\r\n")) == 0);
    CHECK(status(post("Content-Length: " + std::to_string(limits::json_body + 1) + "\r\n")) == 413);
    CHECK(status(post("Content-Length: 1\r\nContent-Type: multipart/form-data; boundary=x\r\n")) == 415);
    CHECK(status(post("Content-Length: 1\r\nContent-Encoding: gzip\r\n")) == 415);
    CHECK(status("GET / HTTP/1.1\r\nRange: bytes=0-1\r\n\r\n") == 0);
    CHECK(status("GET / HTTP/1.1\r\nRange: bytes=0-1,4-5\r\n\r\n") == 416);
}

TEST_CASE("JSON may nest to its bound and no deeper, and brackets in strings are words") {
    const auto nested = [](unsigned depth) { return std::string(depth, '[') + std::string(depth, ']'); };
    CHECK(parse_json(nested(limits::json_depth)).has_value());
    CHECK_FALSE(parse_json(nested(limits::json_depth + 1)).has_value());
    std::string deepest;
    deepest.resize(20'000'000, '[');
    CHECK_FALSE(parse_json(deepest).has_value());
    CHECK(parse_json("\"" + std::string(1000, '[') + "\\\"[\"").has_value());
    CHECK(json_depth("[{\"a]\":[1]},[]]", 100) == 3);
    CHECK_FALSE(parse_json("{").has_value());
}
