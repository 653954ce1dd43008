#!/usr/bin/python3
"""tools/bench/versus_cycles runs, and on Lambert surfaces Cycles and Raymill see the same light. Argument: the raymill binary."""
import json
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SKIP = 77


def main():
    if not shutil.which('blender'):
        print('SKIPPED: versus_cycles: blender is not installed')
        return SKIP
    if subprocess.run(['/usr/bin/python3', '-c', 'import numpy, OpenImageIO'], stderr=subprocess.DEVNULL).returncode:
        print('SKIPPED: versus_cycles: python3-numpy or python3-openimageio is not installed')
        return SKIP
    done = subprocess.run([os.path.join(ROOT, 'tools/bench/versus_cycles'), os.path.join(ROOT, 'scenes/cornell.glb'), '--size', '48x27', '--spp', '4',
                           '--reference-spp', '64', '--threads', '1', '--materials', 'lambert', '--raymill', sys.argv[1], '--json'],
                          capture_output=True, text=True)
    if done.returncode:
        print(done.stdout, done.stderr)
        return 1
    result = json.loads(done.stdout.strip().splitlines()[-1])
    failed = 0
    if [row['renderer'] for row in result['rows']] != ['raymill', 'cycles'] or not all(row['k'] > 0 for row in result['rows']):
        print('rows:', result['rows'])
        failed = 1
    # A pixel's standard error at 64 samples is 5 %, that of the mean over some 700 lit pixels 0.2 %, twice. Two percent is a fault: a bounce
    # more or less is 3 % or more here, a wrong lamp or camera far more.
    for channel, a, b in zip('RGB', result['pictures']['mean_raymill'], result['pictures']['mean_cycles']):
        print('mean %s: raymill %.5f, cycles %.5f' % (channel, a, b))
        if abs(a - b) > 0.02 * b:
            failed = 1
    return failed


sys.exit(main())
