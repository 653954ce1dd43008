"""The plot of tools/bench/versus_cycles: error against time, a panel a scene."""
import sys


def save(path, scenes):
    """`scenes`: (name, {renderer: [(seconds, error), ...]}) pairs."""
    try:
        import matplotlib
    except ImportError:
        sys.exit('versus_cycles: --plot needs matplotlib; install python3-matplotlib')
    matplotlib.use('Agg')
    from matplotlib import pyplot
    columns = min(3, len(scenes))
    rows = (len(scenes) + columns - 1) // columns
    figure, panels = pyplot.subplots(rows, columns, figsize=(4.6 * columns, 3.6 * rows), squeeze=False)
    for panel in panels.ravel()[len(scenes):]:
        panel.axis('off')
    for panel, (name, curves) in zip(panels.ravel(), scenes):
        for renderer, points in curves.items():
            panel.loglog([t for t, _ in points], [e for _, e in points], 'o-' if renderer == 'raymill' else 's--', label=renderer, markersize=4)
        panel.set_title(name, fontsize=10)
        panel.set_xlabel('seconds of tracing')
        panel.set_ylabel('relMSE')
        panel.grid(True, which='both', alpha=0.3)
        panel.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
