#pragma once
/// What the HTTP door looks at before anything else sees a request: its head, as bytes from a stranger. Stricter than the HTTP library
/// behind it, so that both can only read the same thing: lines end in CR LF, there is one length and no other framing, no compression, no
/// forms.
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

namespace raymill::farm {

struct RequestHead {
    std::string method, target; ///< the target with its query
    std::string token;          ///< of "Authorization: Bearer"; empty where there is none
    bool authorization = false; ///< there was such a header, whatever it held
    std::uint64_t body = 0;     ///< bytes
    bool no_length = false;     ///< it could have a body and does not say so: it has none (curl -X POST); to be said to who reads on
    friend bool operator==(const RequestHead&, const RequestHead&) = default;
};

/// Why a head is not let through, as HTTP status and words for who asked.
struct HeadFault {
    int status = 400;
    std::string words;
};

/// `text` ends with the first empty line (CR LF CR LF) and is at most limits::http_head bytes long.
std::variant<RequestHead, HeadFault> read_head(std::string_view text);

} // namespace raymill::farm
