#include "farm/protocol/address.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>

namespace raymill::farm {

bool Address::loopback() const {
    in_addr four{};
    in6_addr six{};
    if (inet_pton(AF_INET, host.c_str(), &four) == 1) return (ntohl(four.s_addr) >> 24) == 127;
    return inet_pton(AF_INET6, host.c_str(), &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

std::string Address::text() const { return (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" + std::to_string(port); }

Result<Address> parse_address(std::string_view text, std::uint16_t default_port) {
    const auto bad = [&](const char* why) { return fail(Code::usage, std::string(text.substr(0, 200)), why); };
    auto rest = text;
    for (const std::string_view scheme : {"http://", "tcp://"})
        if (rest.starts_with(scheme)) {
            rest.remove_prefix(scheme.size());
            break;
        }
    if (rest.find("://") != std::string_view::npos) return bad("the address begins with neither http:// nor tcp://");
    if (rest.ends_with('/')) rest.remove_suffix(1);
    Address address{.host = {}, .port = default_port};
    std::string_view port;
    if (rest.starts_with('[')) {
        const auto close = rest.find(']');
        if (close == std::string_view::npos) return bad("the address has '[' without ']'");
        address.host = rest.substr(1, close - 1);
        rest.remove_prefix(close + 1);
        if (!rest.empty() && rest.front() != ':') return bad("after ']' there must be ':PORT'");
        if (!rest.empty()) port = rest.substr(1);
        in6_addr six{};
        if (inet_pton(AF_INET6, address.host.c_str(), &six) != 1) return bad("what stands in brackets is not an IPv6 address");
        if (!rest.empty() && port.empty()) return bad("the port is missing after ':'");
    } else {
        const auto colon = rest.find(':');
        address.host = rest.substr(0, colon);
        if (colon != std::string_view::npos) {
            port = rest.substr(colon + 1);
            if (port.empty()) return bad("the port is missing after ':'");
        }
    }
    const auto name_part = [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.' || c == ':';
    };
    if (address.host.empty() || address.host.size() > 253 || !std::ranges::all_of(address.host, name_part))
        return bad("the host name is missing or has letters that no host has");
    if (address.host == "localhost") address.host = "127.0.0.1";
    if (!port.empty()) {
        const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
        if (error != std::errc() || end != port.data() + port.size()) return bad("the port is not a number from 0 to 65535");
    }
    return address;
}

} // namespace raymill::farm
