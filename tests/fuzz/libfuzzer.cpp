// The same targets for clang's libFuzzer, one program each: RAYMILL_FUZZ_TARGET is the target's name. meson setup build-fuzz -Dfuzz=true
// -Db_sanitize=address,undefined -Db_lundef=false with CXX=clang++-19; then build-fuzz/tests/fuzz/fuzz_NAME CORPUS-FOLDER.
#include "tests/fuzz/targets.hpp"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace raymill::fuzz;
    static const Target* const target = [] {
        for (const auto& list : {scene_targets(), farm_targets()})
            for (const auto& one : list)
                if (one.name == RAYMILL_FUZZ_TARGET) return &one;
        std::abort();
    }();
    target->run({data, size});
    return 0;
}
