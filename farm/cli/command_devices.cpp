// raymill devices: what of this machine can render, which would be chosen and why.
#include "farm/cli/commands.hpp"
#include "farm/cli/json_line.hpp"
#include "farm/cli/progress.hpp"
#include "farm/cli/server.hpp"
#include "renderer/device.hpp"

#include <algorithm>

namespace raymill::cli {

int run_devices(Arguments& arguments) {
    add_manner(arguments);
    arguments.footer("--device takes an index of this list, a part of a name, a UUID, \"software\" or \"reference\". The exit status is 5 "
                     "where no device can be used.");
    if (const auto over = arguments.parse()) return *over;
    const auto devices = list_devices();
    for (std::size_t i = 0; i < devices.size(); ++i) {
        const auto& d = devices[i];
        if (manner().json) {
            print_json({{"index", i},
                        {"name", d.name},
                        {"uuid", d.uuid},
                        {"type", d.type},
                        {"driver", d.driver},
                        {"device_class", d.device_class},
                        {"memory", d.memory},
                        {"usable", d.unusable.empty()},
                        {"unusable", d.unusable},
                        {"chosen", d.chosen},
                        {"reason", d.reason}});
            continue;
        }
        print_line((d.chosen ? "* " : "  ") + std::to_string(i) + "  " + d.name + "  (" + d.type + ", " + d.driver + ", " +
                   short_number(static_cast<double>(d.memory)) + "B)");
        if (!d.uuid.empty()) print_line("      uuid " + d.uuid);
        if (!d.unusable.empty())
            print_line("      cannot be used: " + d.unusable);
        else if (!d.reason.empty())
            print_line("      " + d.reason);
    }
    if (std::ranges::none_of(devices, [](const DeviceInfo& d) { return d.unusable.empty() && d.type != "reference"; }))
        return report(
            {Code::no_device, "",
             "no Vulkan device can be used; install a driver (mesa-vulkan-drivers has one for every CPU), or use --device reference"});
    return 0;
}

} // namespace raymill::cli
