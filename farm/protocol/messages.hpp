#pragma once
/// The generated messages (messages.proto), without the warnings that protobuf's own headers give under our flags, and the few words both
/// ends share.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#include "farm/protocol/messages.pb.h"
#pragma GCC diagnostic pop

#include <cstdint>

namespace raymill::farm {

inline constexpr std::uint32_t protocol_version = 2;

namespace wire {
inline constexpr std::uint32_t finish_tile = 0xffffffff; ///< LeaseRef.tile of a frame's finish
}

} // namespace raymill::farm
