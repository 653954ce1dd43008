#!/usr/bin/env python3
"""embed.py OUT.cpp FILE...: writes the page's files as C++ arrays for files.hpp. index.html is served at /, the others at /web/NAME."""
import pathlib
import sys

TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}


def main(out: str, names: list[str]) -> None:
    arrays, entries = [], []
    for index, name in enumerate(names):
        path = pathlib.Path(name)
        data = path.read_bytes()
        rows = [", ".join(f"{byte:#04x}" for byte in data[at : at + 24]) for at in range(0, len(data), 24)]
        arrays.append(f"constexpr unsigned char bytes_{index}[] = {{\n" + ",\n".join(rows) + "\n};")
        served = "/" if path.name == "index.html" else f"/web/{path.name}"
        entries.append(f'    {{"{served}", "{TYPES[path.suffix]}", {{reinterpret_cast<const char*>(bytes_{index}), sizeof bytes_{index}}}}},')
    text = "\n".join(
        ['// Written by farm/web/embed.py.', '#include "farm/web/files.hpp"', "namespace {", *arrays, "const raymill::farm::web::File all[] = {", *entries, "};", "}",
         "std::span<const raymill::farm::web::File> raymill::farm::web::files() noexcept { return all; }", ""])
    pathlib.Path(out).write_text(text, encoding="ascii")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
