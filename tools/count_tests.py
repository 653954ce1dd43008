#!/usr/bin/env python3
"""Reads Meson's testlog.json and prints what failed, what was skipped and why, and the closing line `N passed, N failed, N skipped`.

Counted are test cases, not programs: a doctest program's own summary, a unittest run's own lines, else the program as one. A line
`SKIPPED: NAME: REASON` that a C++ test prints is one skipped case of that program.
"""
import json
import re
import sys

DOCTEST = re.compile(r"\[doctest\] test cases:\s*(\d+)\s*\|\s*(\d+) passed\s*\|\s*(\d+) failed")
UNITTEST = re.compile(r"^Ran (\d+) tests? in ", re.MULTILINE)
UNITTEST_SKIP = re.compile(r"^(\S+) .*\.\.\. skipped '(.*)'$", re.MULTILINE)
UNITTEST_BAD = re.compile(r"^(?:FAIL|ERROR): (.*)$", re.MULTILINE)
SKIP = re.compile(r"^SKIPPED: (.*)$", re.MULTILINE)
DOCTEST_BAD = re.compile(r"^TEST CASE:\s+(.*?)\n(?:.*\n)*?.*?ERROR:", re.MULTILINE)
DOCTEST_RULE = "=" * 79
LINES_SHOWN = 40  # of a failure; all of it is in Meson's testlog.txt
ANSI = re.compile(r"\x1b\[[0-9;]*m")


def count(test: dict) -> tuple[int, list[str], list[str]]:
    """(passed, failed names, skipped names with reasons) of one program."""
    text = ANSI.sub("", (test.get("stdout") or "") + "\n" + (test.get("stderr") or ""))
    name = test["name"]
    ran_well = test["result"] in ("OK", "EXPECTEDFAIL")
    if test["result"] == "SKIP":
        reason = SKIP.search(text)
        return 0, [], [reason.group(1) if reason else f"{name}: exit status 77"]
    skipped = SKIP.findall(text)
    summary = DOCTEST.search(text)
    if summary:
        passed, failed = int(summary.group(2)), int(summary.group(3))
        names = list(dict.fromkeys(DOCTEST_BAD.findall(text)))[:failed]
        bad = [f"{name}: {case}" for case in names] + [f"{name}: (see the log)"] * (failed - len(names))
        passed -= len(skipped)
    elif UNITTEST.search(text):
        skipped += [f"{case}: {reason}" for case, reason in UNITTEST_SKIP.findall(text)]
        bad = [f"{name}: {case}" for case in UNITTEST_BAD.findall(text)]
        passed = sum(int(ran) for ran in UNITTEST.findall(text)) - len(bad) - len(skipped)
    else:
        bad = []
        passed = 1 if ran_well else 0
    if not ran_well and not bad:
        bad = [f"{name}: {test['result'].lower()}, exit status {test.get('returncode')}"]
    return max(passed, 0), bad, skipped


def evidence(test: dict) -> list[str]:
    """What a failed program said about it: doctest's blocks with an error in them, else its last lines."""
    text = ANSI.sub("", (test.get("stdout") or "") + "\n" + (test.get("stderr") or ""))
    blocks = [block.strip() for block in text.split(DOCTEST_RULE) if "ERROR:" in block]
    if blocks:
        lines = "\n".join(blocks).splitlines()
        first = next(i for i, line in enumerate(lines) if "ERROR:" in line)
        chosen = lines[max(0, first - 6) :][:LINES_SHOWN]
    else:
        chosen = text.strip().splitlines()[-LINES_SHOWN:]
    return [line[:300] for line in chosen]


def main() -> int:
    try:
        with open(sys.argv[1], encoding="utf-8") as log:
            tests = [json.loads(line) for line in log if line.strip()]
    except OSError:
        tests = []
    passed, failed, skipped = 0, [], []
    for test in tests:
        good, bad, left_out = count(test)
        passed, failed, skipped = passed + good, failed + bad, skipped + left_out
        if bad:
            print(f"---- {test['name']} said:")
            print("\n".join(evidence(test)))
            print("----")
    for line in skipped:
        print(f"skipped: {line}")
    for line in failed:
        print(f"failed: {line}")
    print(f"{passed} passed, {len(failed)} failed" + (f", {len(skipped)} skipped" if skipped else ""))
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
