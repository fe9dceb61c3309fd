# Exact EASE with a ridge by popularity. { folder, markets: [items], lambdas, powers, negatives } with <market>.{indptr,indices,valid} of int32,
# valid as (user, item, half) -> { mrr: by market, lambda, power: [of half 0, of half 1] }
import json
import pathlib
import sys

import numpy as np

task = json.load(sys.stdin)
folder = pathlib.Path(task["folder"])


def read(market, part):
    return np.fromfile(folder / f"{market}.{part}", np.int32)


found = []
for market, items in enumerate(task["markets"]):
    indptr, indices = read(market, "indptr"), read(market, "indices")
    users = len(indptr) - 1
    x = np.zeros((users, items), np.float32)
    x[np.repeat(np.arange(users), np.diff(indptr)), indices] = 1
    valid = read(market, "valid").reshape(-1, 3)
    rng = np.random.RandomState(1)
    rows = []
    for user, item, half in valid:
        own = set(indices[indptr[user] : indptr[user + 1]].tolist())
        if item in own:
            continue
        pool = rng.permutation(items)
        others = [j for j in pool[: task["negatives"] + len(own) + 1].tolist() if j != item and j not in own]
        rows.append((user, item, half, np.array(others[: task["negatives"]])))
    gram = (x.T @ x).astype(np.float64)
    counts = np.diag(gram).copy()
    relative = np.maximum(counts, 1) / counts.mean()
    by_lambda = []
    for ridge in task["lambdas"]:
        by_power = []
        for power in task["powers"]:
            c = np.linalg.inv(gram + np.diag(ridge * relative**power))
            b = -c / np.diag(c)
            np.fill_diagonal(b, 0)
            b = np.maximum(b, 0).astype(np.float32)
            scores = x @ b
            sums, totals = [0.0, 0.0], [0, 0]
            for user, item, half, others in rows:
                s = scores[user]
                rank = 1 + (s[others] > s[item]).sum() + (s[others] == s[item]).sum() / 2
                sums[half] += 1 / rank if rank <= 10 else 0
                totals[half] += 1
            by_power.append([sums[0] / totals[0], sums[1] / totals[1]])
        by_lambda.append(by_power)
    found.append(by_lambda)
print(json.dumps({"mrr": found}))
