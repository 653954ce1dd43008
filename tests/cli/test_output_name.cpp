// -o: naming patterns.
#include "farm/cli/output_name.hpp"
#include "tests/cli/folder.hpp"

#include <doctest/doctest.h>

#include <climits>
#include <sys/stat.h>
#include <unistd.h>

using namespace raymill;
using cli::OutputName;

namespace {

std::string name(const std::string& text, std::int32_t frame, bool many = true) {
    const auto output = OutputName::parse(text, "stem", "png");
    return output ? output->of(frame, many).string() : output.error().message();
}

} // namespace

TEST_CASE("a run of # or a %d takes the frame's number, padded with zeros to its width") {
    CHECK(name("a/out.####.png", 7) == "a/out.0007.png");
    CHECK(name("out_%04d.exr", 7) == "out_0007.exr");
    CHECK(name("#.png", 12) == "12.png");
    CHECK(name("%d.png", 12) == "12.png");
    CHECK(name("%3dx.png", 7) == "007x.png");
    CHECK(name("##.png", 12345) == "12345.png"); // never cut: two frames would share a name
    CHECK(name("####.png", -7) == "-007.png");
    CHECK(name("%04d.png", -7) == "-007.png");
    CHECK(name("####.png", INT32_MIN) == "-2147483648.png");
    CHECK(name("################.png", 1) == "0000000000000001.png");
}

TEST_CASE("a name with a place for the number has it filled for a still too") {
    CHECK(name("out.##.png", 0, false) == "out.00.png");
    CHECK(name("out.png", 0, false) == "out.png");
}

TEST_CASE("several frames into a name without a place get their numbers before the ending") {
    // Without this every frame would replace the one before it.
    CHECK(name("out.png", 7) == "out.0007.png");
    CHECK(name("a.b/out.v2.exr", -1) == "a.b/out.v2.-001.exr");
    CHECK(name("out.PNG", 12345) == "out.12345.PNG");
    CHECK(name("100%%.png", 1) == "100%.0001.png");
}

TEST_CASE("the files of several frames are told as one pattern") {
    CHECK(OutputName::parse("a/x.png", "s", "png")->pattern(1, true) == "a/x.####.png");
    CHECK(OutputName::parse("a/x_%03d.png", "s", "png")->pattern(1, true) == "a/x_###.png");
    CHECK(OutputName::parse("a/x_##.png", "s", "png")->pattern(1, false) == "a/x_01.png");
}

TEST_CASE("numbers in the folder's name stay as they are") { CHECK(name("take#1/%d/x.png", 3, false) == "take#1/%d/x.png"); }

TEST_CASE("the ending chooses the format, and any other is an error that names the two") {
    CHECK(OutputName::parse("x.png", "s", "exr")->format() == "png");
    CHECK(OutputName::parse("x.EXR", "s", "png")->format() == "exr");
    for (const char* bad : {"x", "x.jpg", ".png", "png", "x.png.gz", "dir/", ""}) {
        const auto output = OutputName::parse(bad, "s", "png");
        REQUIRE_MESSAGE(!output, bad);
        CHECK(output.error().code == Code::usage);
    }
}

TEST_CASE("a pattern that is none is an error") {
    for (const char* bad :
         {"#.#.png", "%d#.png", "%d%d.png", "%x.png", "%.png", "%17d.png", "%99999999999d.png", "%-4d.png", "#################.png"})
        CHECK_MESSAGE(!OutputName::parse(bad, "s", "png"), bad);
}

TEST_CASE("a folder that exists stands for the job's name in it") {
    const test::Folder folder;
    const auto output = OutputName::parse(folder.path.string(), "hall", "exr");
    REQUIRE(output);
    CHECK(output->of(3, false) == folder.path / "hall.exr");
    CHECK(output->of(3, true) == folder.path / "hall.0003.exr");
    // A stem is no pattern: a scene may be called so.
    CHECK(OutputName::parse(folder.path.string(), "100%#d", "png")->of(3, false) == folder.path / "100%#d.png");
}

TEST_CASE("a place where no file can be made is known before any work is done") {
    const test::Folder folder;
    folder.write("sub/x", "");
    const auto fault = [&](const std::string& text, bool many) {
        const auto output = OutputName::parse((folder.path / text).string(), "s", "png");
        const auto good = output ? output->check(1, many) : Status(std::unexpected(output.error()));
        return good ? std::string() : good.error().what;
    };
    CHECK(fault("x.png", false).empty());
    CHECK(fault("no/x.png", false) == "there is no such folder to write to; make it first");
    std::filesystem::create_directory(folder.path / "d.0001.png");
    CHECK(fault("d.png", true) == "is a folder");
    CHECK(fault("d.png", false).empty());
    CHECK(fault(std::string(251, 'x') + ".png", false).empty());
    CHECK(fault(std::string(252, 'x') + ".png", false) == "the name is longer than 255 bytes");
    if (::geteuid() == 0) {
        MESSAGE("skipped: rights of folders do not bind root");
        return;
    }
    ::chmod((folder.path / "sub").c_str(), 0500);
    CHECK(fault("sub/x.png", false).find("no file can be made") == 0);
    ::chmod((folder.path / "sub").c_str(), 0700);
}
