// raymill: everything is in the commands; what gets as far as this is said in one line.
#include "farm/cli/commands.hpp"
#include "farm/cli/report.hpp"

#include <algorithm>
#include <cstdio>
#include <exception>
#include <new>

int main(int argc, char** argv) {
    using namespace raymill;
    try {
        const int status = cli::run_command({argv + 1, argv + std::max(argc, 1)});
        if (std::fflush(stdout) != 0 && status == 0)
            return cli::report({Code::io, "standard output", "cannot be written; is the disk full?"});
        return status;
    } catch (const std::bad_alloc&) {
        return cli::report({Code::failed, "", "this machine has not enough memory for that"});
    } catch (const std::exception& error) {
        return cli::report({Code::failed, "", error.what()});
    }
}
