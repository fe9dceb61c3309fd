# gensim's skip-gram with negative sampling, one pass over given walks.
# { walks, length, dim, window, negatives, workers, seed, items, out } -> { version, seconds }
# Writes the finished vectors to the files out.vectors and out.contexts, (items × dim) f32; rows of items without a walk are 0.
import json
import sys
import time

import gensim
import numpy
from gensim.models import Word2Vec

task = json.load(sys.stdin)
walks = numpy.fromfile(task["walks"], dtype=numpy.int32).reshape(-1, task["length"])
sentences = [[str(item) for item in walk] for walk in walks]
model = Word2Vec(
    vector_size=task["dim"], window=task["window"], negative=task["negatives"], sg=1, hs=0, sample=0, min_count=0, epochs=1,
    workers=task["workers"], seed=task["seed"], shrink_windows=False,
)
model.build_vocab(sentences)
begin = time.perf_counter()
model.train(sentences, total_examples=len(sentences), epochs=1)
seconds = time.perf_counter() - begin

rows = [int(item) for item in model.wv.index_to_key]
for name, table in (("vectors", model.wv.vectors), ("contexts", model.syn1neg)):
    out = numpy.zeros((task["items"], task["dim"]), dtype=numpy.float32)
    out[rows] = table
    out.tofile(f"{task['out']}.{name}")
print(json.dumps({"version": gensim.__version__, "seconds": seconds}))
