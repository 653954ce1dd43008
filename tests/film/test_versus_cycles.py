#!/usr/bin/python3
"""tools/bench/versus_cycles runs, and on Lambert surfaces Cycles and Raymill see the same light. Argument: the raymill binary."""
import json
import os
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SKIP = 77


def main():
    if not shutil.which('blender'):
        print('SKIPPED: versus_cycles: blender is not installed')
        return SKIP
    if subprocess.run(['/usr/bin/python3', '-c', 'import numpy, OpenImageIO'], stderr=subprocess.DEVNULL).returncode:
        print('SKIPPED: versus_cycles: python3-numpy or python3-openimageio is not installed')
        return SKIP
    with tempfile.TemporaryDirectory() as folder:
        plot = os.path.join(folder, 'plot.png')
        draws = not subprocess.run(['/usr/bin/python3', '-c', 'import matplotlib'], stderr=subprocess.DEVNULL).returncode
        scenes = [{'scene': os.path.join(ROOT, 'scenes/cornell.glb'), 'materials': 'lambert'}, {'scene': '/nowhere/x.glb', 'optional': True}]
        with open(os.path.join(folder, 'list.json'), 'w', encoding='utf-8') as file:
            json.dump(scenes, file)
        done = subprocess.run([os.path.join(ROOT, 'tools/bench/versus_cycles'), '--list', os.path.join(folder, 'list.json'), '--size', '48x27', '--spp', '4',
                               '--look-at', '-0.1,0.3,1.1,0,0.27,0,38', '--repeat', '2', '--reference-spp', '64', '--threads', '1', '--raymill', sys.argv[1],
                               '--json'] + (['--plot', plot] if draws else []), capture_output=True, text=True)
        if done.returncode:
            print(done.stdout, done.stderr)
            return 1
        if not draws:
            print('SKIPPED: the plot of versus_cycles: python3-matplotlib is not installed')
        elif not open(plot, 'rb').read().startswith(b'\x89PNG'):
            print('no plot')
            return 1
    [result] = json.loads(done.stdout.strip().splitlines()[-1])['scenes']
    failed = 0
    if [row['renderer'] for row in result['rows']] != ['raymill', 'cycles'] or not all(row['k'] > 0 and row['memory_mb'] > 10 for row in result['rows']):
        print('rows:', result['rows'])
        failed = 1
    [ratio] = result['ratios']
    if not ratio['faster_from'] <= ratio['faster'] <= ratio['faster_to'] or not ratio['sooner_from'] <= ratio['sooner'] <= ratio['sooner_to']:
        print('ratios:', ratio)
        failed = 1
    if draws and not all(len(points) == 2 and points[0][1] > points[1][1] > 0 for points in result['curves'].values()):
        print('curves:', result['curves'])  # error falls from 1 to 4 samples
        failed = 1
    # A pixel's standard error at 64 samples is 5 %, that of the mean over some 700 lit pixels 0.2 %, twice. Two percent is a fault: a bounce
    # more or less is 3 % or more here, a wrong lamp or camera far more.
    for channel, a, b in zip('RGB', result['pictures']['mean_raymill'], result['pictures']['mean_cycles']):
        print('mean %s: raymill %.5f, cycles %.5f' % (channel, a, b))
        if abs(a - b) > 0.02 * b:
            failed = 1
    return failed


sys.exit(main())
