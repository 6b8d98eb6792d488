"""A survey codes its frames by a network of its own, and keeps in a recipe what was decided for its camera.

    python survey_weights.py [survey.safetensors]

It writes survey/ into the current folder, frames for `models finetune --data survey --out survey.safetensors`.
Without a file a built-in network under another name stands for the survey's. docs/researcher.md says more.
"""

import sys
import time
from pathlib import Path

import numpy as np

import collapsar

# a camera with two interleaved channels: rows flicker in the second twice as much as in the first
rng = np.random.default_rng(1)
bias, channel = 400 + 3 * rng.standard_normal(400), np.arange(400) % 2
sky = 60 - 20 * np.linspace(-1, 1, 400) ** 2
frames = []
for n in range(12):
    rows = rng.normal(0, 8, (300, 1)) * (1 + channel)
    frames.append((bias + 40 * channel + rows + rng.poisson(sky, (300, 400)) / 3).astype("u2"))
Path("survey").mkdir(exist_ok=True)
for n, frame in enumerate(frames):
    np.save(f"survey/frame{n}.npy", frame)

if len(sys.argv) > 1:
    weights = Path(sys.argv[1]).read_bytes()
else:
    built_in = Path(__file__).parents[2] / "weights/pixelcnn-fast-1.safetensors"
    weights = built_in.read_bytes().replace(b"pixelcnn-fast", b"survey-camera")

# a chunk has the hash of its network; whoever reads it needs the network, too
chunk = collapsar.encode(frames[0], weights=weights)
assert (collapsar.decode(chunk, weights=weights) == frames[0]).all()
try:
    collapsar.decode(chunk)
    raise SystemExit("nobody else has these weights, and yet the chunk was read")
except collapsar.MissingModelError as error:
    print(f"without the weights: {error}")

# a file can carry its network
collapsar.compress_file("survey/frame1.npy", "frame1.clps", weights=weights, embed_weights=True, replace=True)
assert (collapsar.open("frame1.clps")[0][...] == frames[1]).all()

# what was decided for one frame holds for all of its camera: nothing is searched or fitted again
recipe = collapsar.Recipe.learn(frames[:1], weights=weights)
print(f"{recipe}: {len(recipe.to_bytes())} bytes")
ways = {"no network": {"model": "classic"}, "network": {"weights": weights}, "recipe": {"recipe": recipe}}
ratios = {}
for way, keywords in ways.items():
    start = time.perf_counter()
    chunks = [collapsar.encode(frame, **keywords) for frame in frames]
    seconds, ratios[way] = time.perf_counter() - start, sum(f.nbytes for f in frames) / sum(map(len, chunks))
    print(f"{way:10}: ratio {ratios[way]:.3f}, {seconds / len(frames):.3f} s a frame")
assert (collapsar.decode(chunks[-1], weights=weights) == frames[-1]).all()
assert ratios["network"] > ratios["no network"] and ratios["recipe"] > 0.98 * ratios["network"]
