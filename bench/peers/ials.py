"""iALS as `implicit` formulates it, in NumPy: for each row Y'Y + Y'(C - I)Y + lambda I, solved by LAPACK.

Takes { folder, users, items, dim, alpha0, ridge, power, epochs, markets: [{ users, items }] } on stdin, with the files
indptr, indices, tindptr, tindices (X and its transpose), m.items of each market, and h (another implementation's item
vectors); prints { version, seconds (processor time of each epoch), loss, given (the loss of h, its users solved for) }.
A user meets the items of their own market alone, an item the users of the markets that sell it.
"""
import json
import pathlib
import sys
import time

import blas
import numpy

task = json.load(sys.stdin)
folder = pathlib.Path(task["folder"])
d, alpha0, ridge, power = (task[name] for name in ("dim", "alpha0", "ridge", "power"))
users, items = task["users"], task["items"]


def read(name, kind=numpy.int32):
    return numpy.fromfile(folder / name, dtype=kind)


X = read("indptr"), read("indices")
XT = read("tindptr"), read("tindices")
sold = [read(f"{m}.items") for m in range(len(task["markets"]))]
ends = numpy.cumsum([market["users"] for market in task["markets"]])
bases = numpy.concatenate(([0], ends[:-1]))
# the markets that sell an item, as bits
sets = numpy.zeros(items, dtype=numpy.int64)
for m, at in enumerate(sold):
    sets[at] |= 1 << m


def solve(rows, matrix, other, grams, group, others, out):
    """Each row: (Gram of what could be there + that of what is there + lambda I) w = sum of what is there."""
    indptr, indices = matrix
    identity = numpy.eye(d, dtype=numpy.float32)
    for row in rows:
        there = other[indices[indptr[row] : indptr[row + 1]]]
        if len(there) == 0:
            out[row] = 0
            continue
        own = ridge * (len(there) + alpha0 * others[group[row]]) ** power
        out[row] = numpy.linalg.solve(grams[group[row]] + there.T @ there + own * identity, there.sum(0))


market_of = numpy.repeat(numpy.arange(len(sold)), ends - bases)


def solve_users(H):
    W = numpy.zeros((users, d), dtype=numpy.float32)
    grams = [alpha0 * H[at].T @ H[at] for at in sold]
    solve(range(users), X, H, grams, market_of, [len(at) for at in sold], W)
    return W


def solve_items(W, H):
    parts = [W[begin:end].T @ W[begin:end] for begin, end in zip(bases, ends)]
    grams, others = {}, {}
    for each in numpy.unique(sets):
        chosen = [m for m in range(len(sold)) if each >> m & 1]
        grams[each] = alpha0 * sum((parts[m] for m in chosen), numpy.zeros((d, d), dtype=numpy.float32))
        others[each] = sum(ends[m] - bases[m] for m in chosen)
    solve(range(items), XT, W, grams, sets, others, H)


def loss(W, H):
    indptr, indices = X
    rows = numpy.repeat(numpy.arange(users), numpy.diff(indptr))
    scores = numpy.einsum("ij,ij->i", W[rows].astype(float), H[indices].astype(float))
    total = ((scores - 1) ** 2).sum()
    for m, at in enumerate(sold):
        own = W[bases[m] : ends[m]].astype(float)
        total += alpha0 * ((own.T @ own) * (H[at].T.astype(float) @ H[at])).sum()
    degrees = numpy.diff(indptr)
    weights = (degrees + alpha0 * numpy.array([len(at) for at in sold])[market_of]) ** power
    total += ridge * (weights * (W.astype(float) ** 2).sum(1)).sum()
    sizes = numpy.array([sum(ends[m] - bases[m] for m in range(len(sold)) if each >> m & 1) for each in sets])
    weights = (numpy.diff(XT[0]) + alpha0 * sizes) ** power
    return float(total + ridge * (weights * (H.astype(float) ** 2).sum(1)).sum())


given = read("h", numpy.float32).reshape(items, d)
random = numpy.random.default_rng(1)
H = (random.uniform(-1, 1, (items, d)) * (3**0.5 * 0.1 / d**0.5)).astype(numpy.float32)
seconds = []
for _ in range(task["epochs"]):
    begin = time.process_time()
    W = solve_users(H)
    solve_items(W, H)
    seconds.append(time.process_time() - begin)
print(
    json.dumps(
        {
            "version": f"NumPy {numpy.__version__}{blas.suffix()}",
            "seconds": seconds,
            "loss": loss(solve_users(H), H),
            "given": loss(solve_users(given), given),
        }
    )
)
