#pragma once
/// What a render process gives up before it reads a byte of a stranger's scene, so that a fault in the renderer, a decoder or a driver
/// costs no more than its own job: files (Landlock), system calls (seccomp), capabilities, and privileges by set-uid programs. Its network,
/// core dumps, file sizes and folder are RenderChild's. What the kernel does not offer is gone without, and said. seccomp.h is seen in
/// sandbox.cpp only.
#include "renderer/base/error.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace raymill::farm {

struct SandboxPlan {
    std::vector<std::filesystem::path> read;  ///< files or folders with all that is in them, besides the system's libraries and devices
    std::vector<std::filesystem::path> write; ///< folders to read and write in, besides the drivers' shader caches
};

/// Where a render process finds its plan; without it, it enters no sandbox.
inline constexpr const char* sandbox_variable = "RAYMILL_SANDBOX";

/// As an environment variable's value, and back. Any bytes but NUL and newline may stand in a path.
std::string to_text(const SandboxPlan& plan);
SandboxPlan plan_of(const std::string& text);

/// Which protections hold.
struct Protections {
    int landlock = 0; ///< the kernel's Landlock version; 0: files are not confined
    bool calls = false;
    bool capabilities = false; ///< there are none left
    bool network = false;      ///< a network of its own, with nothing in it (RenderChild), or no way to make a socket
    [[nodiscard]] bool all() const { return landlock > 0 && calls && capabilities && network; }
    [[nodiscard]] std::string text() const; ///< for a person, one line
};

/// For the calling process and for good; call it while there is one thread. The plan's folders have to be there.
Protections enter_sandbox(const SandboxPlan& plan);

/// What a render process started now would have: tried out in a child that does nothing else.
Protections probe_sandbox();

} // namespace raymill::farm
