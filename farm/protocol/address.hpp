#pragma once
/// Addresses as people write them: "127.0.0.1:8080", "http://localhost:8080", "tcp://[::1]:8081", "0.0.0.0:0".
#include "renderer/base/error.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace raymill::farm {

struct Address {
    std::string host; ///< a name or a number without brackets; "localhost" is written 127.0.0.1
    std::uint16_t port = 0;
    /// Only this machine can reach it: 127.0.0.0/8 or ::1.
    [[nodiscard]] bool loopback() const;
    /// "host:port", with brackets round an IPv6 number.
    [[nodiscard]] std::string text() const;
    friend bool operator==(const Address&, const Address&) = default;
};

/// Takes an optional "http://" or "tcp://" in front and an optional "/" at the end. Code::usage with the text as `where`.
Result<Address> parse_address(std::string_view text, std::uint16_t default_port);

} // namespace raymill::farm
