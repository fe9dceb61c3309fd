# Top-k of U Vᵀ with the seen items left out, by NumPy: matmul of a block of users, argpartition, sort.
# { k, folder, markets: [{ users, items, dim }] } with the files <market>.{u,v,indptr,indices}; -> { version, seconds }
import json
import pathlib
import sys
import time

import blas
import numpy

task = json.load(sys.stdin)
folder = pathlib.Path(task["folder"])
k = task["k"]
BLOCK = 1024


def read(i, part, kind):
    return numpy.fromfile(folder / f"{i}.{part}", dtype=kind)


markets = []
for i, market in enumerate(task["markets"]):
    u = read(i, "u", numpy.float32).reshape(market["users"], market["dim"])
    v = read(i, "v", numpy.float32).reshape(market["items"], market["dim"])
    indptr = read(i, "indptr", numpy.int32)
    seen_items = read(i, "indices", numpy.int32)
    seen_users = numpy.repeat(numpy.arange(market["users"]), numpy.diff(indptr))
    markets.append((u, v, indptr, seen_items, seen_users))


def recommend_all():
    tops = []
    for u, v, indptr, seen_items, seen_users in markets:
        top = numpy.empty((len(u), k), dtype=numpy.int32)
        for first in range(0, len(u), BLOCK):
            last = min(len(u), first + BLOCK)
            scores = u[first:last] @ v.T
            entries = slice(indptr[first], indptr[last])
            scores[seen_users[entries] - first, seen_items[entries]] = -numpy.inf
            best = numpy.argpartition(scores, -k, axis=1)[:, -k:]
            order = numpy.argsort(-numpy.take_along_axis(scores, best, axis=1), axis=1, kind="stable")
            top[first:last] = numpy.take_along_axis(best, order, axis=1)
        tops.append(top)
    return tops


tops = recommend_all()
seconds = []
for _ in range(task["runs"]):
    begin = time.perf_counter()
    recommend_all()
    seconds.append(time.perf_counter() - begin)
for i, top in enumerate(tops):
    top.tofile(folder / f"{i}.top")
print(json.dumps({"version": f"{numpy.__version__}{blas.suffix()}", "seconds": seconds}))
