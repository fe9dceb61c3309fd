# gensim's skip-gram with negative sampling, one pass over given walks.
# { walks, fresh, count, length, dim, window, negatives, workers, seed } -> { version, seconds, loss }
# loss: mean over the pairs of the fresh walks of -log s(v·c) - sum over negatives of log s(-v·c), negatives drawn
# from visits^0.75, measured on the finished vectors.
import json
import sys
import time

import gensim
import numpy
from gensim.models import Word2Vec

task = json.load(sys.stdin)
walks = numpy.fromfile(task["walks"], dtype=numpy.int32).reshape(task["count"], task["length"])
sentences = [[str(item) for item in walk] for walk in walks]
window, negatives = task["window"], task["negatives"]
model = Word2Vec(
    vector_size=task["dim"], window=window, negative=negatives, sg=1, hs=0, sample=0, min_count=0, epochs=1,
    workers=task["workers"], seed=task["seed"], shrink_windows=False,
)
model.build_vocab(sentences)
begin = time.perf_counter()
model.train(sentences, total_examples=len(sentences), epochs=1)
seconds = time.perf_counter() - begin

size = int(walks.max()) + 1
v = numpy.zeros((size, task["dim"]), dtype=numpy.float32)
c = numpy.zeros_like(v)
for item in numpy.unique(walks):
    at = model.wv.key_to_index[str(item)]
    v[item] = model.wv.vectors[at]
    c[item] = model.syn1neg[at]
weights = numpy.bincount(walks.ravel(), minlength=size) ** 0.75
random = numpy.random.default_rng(task["seed"])
total, pairs = 0.0, 0
for walk in numpy.fromfile(task["fresh"], dtype=numpy.int32).reshape(-1, task["length"]):
    scores = v[walk].astype(numpy.float64) @ c[walk].astype(numpy.float64).T
    distance = numpy.abs(numpy.subtract.outer(numpy.arange(len(walk)), numpy.arange(len(walk))))
    mask = (distance > 0) & (distance <= window)
    drawn = random.choice(size, size=(len(walk), negatives), p=weights / weights.sum())
    away = numpy.einsum("id,ikd->ik", v[walk].astype(numpy.float64), c[drawn].astype(numpy.float64))
    total += numpy.logaddexp(0, -scores)[mask].sum() + (numpy.logaddexp(0, away).sum(axis=1) * mask.sum(axis=1)).sum()
    pairs += int(mask.sum())
print(json.dumps({"version": gensim.__version__, "seconds": seconds, "loss": total / pairs}))
