#include "farm/coordinator/request_head.hpp"

#include "farm/protocol/limits.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace raymill::farm {
namespace {

constexpr std::size_t most_headers = 100;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
bool same(std::string_view a, std::string_view b) { return std::ranges::equal(a, b, {}, lower, lower); }
bool begins(std::string_view text, std::string_view with) { return text.size() >= with.size() && same(text.substr(0, with.size()), with); }

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

bool is_token_char(char c) { // RFC 9110, 5.6.2
    return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

} // namespace

std::variant<RequestHead, HeadFault> read_head(std::string_view text) {
    const auto bad = [](const char* words, int status = 400) { return HeadFault{status, words}; };
    if (text.size() > limits::http_head) return bad("the request's headers are larger than 16 KiB", 431);
    if (!text.ends_with("\r\n\r\n")) return bad("the request's headers do not end");
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto c = static_cast<unsigned char>(text[i]);
        const bool line_end = c == '\n' ? i > 0 && text[i - 1] == '\r' : c == '\r' && i + 1 < text.size() && text[i + 1] == '\n';
        if ((c < 0x20 && c != '\t' && !line_end) || c == 0x7f) return bad("the request's headers hold a control character");
    }
    text.remove_suffix(2);
    const auto next_line = [&] {
        const auto end = text.find("\r\n");
        const auto line = text.substr(0, end);
        text.remove_prefix(end + 2);
        return line;
    };

    RequestHead head;
    const auto line = next_line();
    const auto first = line.find(' '), last = line.rfind(' ');
    if (first == std::string_view::npos || first == last) return bad("the first line is not METHOD TARGET HTTP/1.1");
    head.method = line.substr(0, first);
    head.target = line.substr(first + 1, last - first - 1);
    const auto version = line.substr(last + 1);
    if (version != "HTTP/1.1" && version != "HTTP/1.0") return bad("this server speaks HTTP/1.1 and HTTP/1.0", 505);
    static constexpr std::string_view methods[] = {"GET", "HEAD", "POST", "PUT", "DELETE"};
    if (std::ranges::find(methods, head.method) == std::end(methods)) return bad("this server knows GET, HEAD, POST, PUT and DELETE", 501);
    if (head.target.size() > limits::http_target) return bad("the request's path is longer than 2048 bytes", 414);
    if (!head.target.starts_with('/') || head.target.find_first_of(" \t#") != std::string::npos)
        return bad("the request's path cannot be one");

    std::optional<std::uint64_t> length;
    for (std::size_t count = 0; !text.empty(); ++count) {
        if (count == most_headers) return bad("the request has more than 100 headers", 431);
        const auto header = next_line();
        const auto colon = header.find(':');
        if (colon == std::string_view::npos || colon == 0 || !std::ranges::all_of(header.substr(0, colon), is_token_char))
            return bad("a header is not NAME: VALUE");
        const auto name = header.substr(0, colon), value = trimmed(header.substr(colon + 1));
        if (same(name, "Content-Length")) {
            std::uint64_t bytes = 0;
            const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), bytes);
            if (error != std::errc() || end != value.data() + value.size() || length) return bad("Content-Length is not one whole number");
            length = bytes;
        } else if (same(name, "Transfer-Encoding")) {
            return bad("a body is sent with its Content-Length, not in chunks", 411);
        } else if (same(name, "Content-Encoding") && !same(value, "identity")) {
            return bad("a body is sent as it is, not compressed", 415);
        } else if (same(name, "Content-Type") && begins(value, "multipart/")) {
            return bad("a body is JSON or plain bytes, not a form", 415); // the library behind would take it apart before anybody looks
        } else if (same(name, "Range") && value.find(',') != std::string_view::npos) {
            return bad("one range at a time", 416);
        } else if (same(name, "Authorization")) {
            if (head.authorization) return bad("there are two Authorization headers");
            head.authorization = true;
            if (begins(value, "Bearer ")) head.token = trimmed(value.substr(7));
        }
    }
    head.body = length.value_or(0);
    const bool takes_body = head.method == "POST" || head.method == "PUT";
    if (!takes_body && head.body > 0) return bad("a request of this kind has no body");
    head.no_length = takes_body && !length;
    if (head.body > limits::json_body) return bad("the request is too large", 413);
    return head;
}

} // namespace raymill::farm
