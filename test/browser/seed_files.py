"""Artifacts of the seeded runs: each kind of file that the web UI shows in a way of its own."""

import math

import numpy as np
import pandas as pd

SVG = """<svg xmlns="http://www.w3.org/2000/svg" width="240" height="120">
<rect width="240" height="120" fill="#eef"/><circle cx="60" cy="60" r="40" fill="#c33"/>
<text x="110" y="66" font-size="20">seeded svg</text>
<script>window.top.__svgScriptRan = true; document.documentElement.setAttribute('data-ran', 'yes')</script></svg>"""
HTML = """<!doctype html><html><body><h1>Seeded report</h1><p id="out">script has not run</p>
<script>
document.getElementById('out').textContent = 'script ran'
try { window.top.__htmlScriptRan = document.domain || 'opaque' } catch (error) { /* another origin */ }
fetch('/ajax-api/2.0/mlflow/experiments/search?max_results=1').then(
  (answer) => answer.text()).then(
  (text) => { document.getElementById('out').textContent = 'api read: ' + text },
  () => { document.getElementById('out').textContent = 'api refused' })
</script></body></html>"""
CSV = "city,year,visitors\n" + "".join(f"city-{row},{2000 + row % 25},{row * 37 % 1000}\n" for row in range(300))
MARKDOWN = "# Seeded notes\n\n- first *point*\n- second **point**\n"
YAML = "model:\n  layers: 18\n  dropout: 0.1\n"


def picture(step, size=48):
    """A disc that grows with the step, as an array of pixels."""
    y, x = np.mgrid[0:size, 0:size]
    disc = (x - size / 2) ** 2 + (y - size / 2) ** 2 < (4 + step * 3) ** 2
    pixels = np.zeros((size, size, 3), dtype=np.uint8)
    pixels[disc] = (200, 30 + 20 * step, 60)
    return pixels


def log_figure(client, run_id):
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(4, 3))
    axes.plot(range(20), [math.sin(x / 3) for x in range(20)])
    axes.set_title("seeded figure")
    client.log_figure(run_id, figure, "plots/figure.png")
    pyplot.close(figure)


def log_texts(client, run_id):
    client.log_text(run_id, SVG, "files/drawing.svg")
    client.log_text(run_id, HTML, "files/report.html")
    client.log_text(run_id, CSV, "files/visitors.csv")
    client.log_text(run_id, MARKDOWN, "files/notes.md")
    client.log_text(run_id, YAML, "files/config.yaml")
    client.log_text(run_id, "print('seeded code')\n", "files/train.py")
    client.log_text(run_id, "plain seeded text\nsecond line\n", "files/log.txt")
    client.log_dict(run_id, {"seeded": {"json": [1, 2, 3]}, "name": "resnet"}, "files/result.json")


def log_files(client, run_id, start_ms, small=False):
    """All kinds of files, pictures at steps and a table of answers; `small` leaves all but pictures and table out."""
    for step in range(2 if small else 5):
        client.log_image(run_id, picture(step), key="samples", step=step, timestamp=start_ms + step * 1000)
    table = pd.DataFrame({
        "question": [f"seeded question {row}" for row in range(6)],
        "answer": [f"seeded answer {row}" for row in range(6)],
        "score": [row / 10 for row in range(6)],
    })
    client.log_table(run_id, table, "answers.json")
    if small:
        return
    log_texts(client, run_id)
    log_figure(client, run_id)
    client.log_image(run_id, picture(4, 120), "files/picture.png")
