# A network that re-orders the best candidates of the default, trained on purchases that were taken out of the training rows.
# { folder, best, seeds, halves } with <folder>/{train,valid}.{i32,f32}; a query is (market, place of the item to find or -1, its rank by the
# default, half) and <best> rows of features -> { queries, used, rows: [...], gains: [[mrr, ndcg, hr] by half] }
import json
import pathlib
import sys

import numpy as np

task = json.load(sys.stdin)
folder = pathlib.Path(task["folder"])
BEST = task["best"]
SIMILARITIES = range(1, 10)
HIDDEN, EPOCHS, BATCH, RATE, DECAY, WARM = 24, 12, 256, 3e-3, 1e-4, 50


def read(name):
    head = np.fromfile(folder / f"{name}.i32", np.int32).reshape(-1, 4)
    features = np.fromfile(folder / f"{name}.f32", np.float32).reshape(len(head), BEST, -1)
    return head, features


def columns(features):
    """Similarities as they are and by their logarithm; counts; the default's score by its logarithm."""
    seen = []
    for c in SIMILARITIES:
        z = features[..., c]
        seen += [3 * z, np.log(np.maximum(z, 0) + 0.01) / 1.5 + 1.5]
    seen += [features[..., c] for c in range(10, features.shape[-1])]
    base = np.log(np.maximum(features[..., 0], 0) + 0.01)
    return np.stack([*seen, base], -1), base


train_head, train_features = read("train")
valid_head, valid_features = read("valid")
train_x, train_base = columns(train_features)
valid_x, valid_base = columns(valid_features)
mean, deviation = train_x.mean((0, 1)), train_x.std((0, 1)) + 1e-6
train_x, valid_x = (train_x - mean) / deviation, (valid_x - mean) / deviation
known = train_head[:, 1] >= 0
x, base, market, target = train_x[known], train_base[known], train_head[known, 0], train_head[known, 1]
there = train_features[known][..., 0] > -8
WIDTH, MARKETS = x.shape[-1], int(train_head[:, 0].max()) + 1


def silu(a):
    s = 1 / (1 + np.exp(-a))
    return a * s, s * (1 + a * (1 - s))


def forward(p, rows, markets):
    flat = rows.reshape(-1, WIDTH)
    h1, d1 = silu(flat @ p["W1"] + np.repeat(p["M1"][markets], BEST, 0) + p["b1"])
    h2, d2 = silu(h1 @ p["W2"] + p["b2"])
    return (h2 @ p["w3"] + flat @ p["linear"]).reshape(-1, BEST), (flat, h1, d1, h2, d2)


def fit(seed):
    rng = np.random.RandomState(seed)
    p = {
        "W1": rng.randn(WIDTH, HIDDEN) / np.sqrt(WIDTH),
        "M1": np.zeros((MARKETS, HIDDEN)),
        "b1": np.zeros(HIDDEN),
        "W2": rng.randn(HIDDEN, HIDDEN) / np.sqrt(HIDDEN),
        "b2": np.zeros(HIDDEN),
        "w3": np.zeros(HIDDEN),
        "linear": np.zeros(WIDTH),
    }
    p = {k: v.astype(np.float32) for k, v in p.items()}
    first = {k: np.zeros_like(v) for k, v in p.items()}
    second = {k: np.zeros_like(v) for k, v in p.items()}
    steps, t = EPOCHS * (len(x) // BATCH), 0
    for _ in range(EPOCHS):
        order = rng.permutation(len(x))
        for s in range(0, len(x) - BATCH + 1, BATCH):
            i = order[s : s + BATCH]
            out, (flat, h1, d1, h2, d2) = forward(p, x[i], market[i])
            out = np.where(there[i], out + base[i], -1e9)
            e = np.exp(out - out.max(1, keepdims=True))
            g = e / e.sum(1, keepdims=True)
            g[np.arange(BATCH), target[i]] -= 1
            g = (g / BATCH).reshape(-1).astype(np.float32)
            dh2 = np.outer(g, p["w3"]) * d2
            dh1 = (dh2 @ p["W2"].T) * d1
            gradient = {
                "W1": flat.T @ dh1,
                "M1": np.zeros_like(p["M1"]),
                "b1": dh1.sum(0),
                "W2": h1.T @ dh2,
                "b2": dh2.sum(0),
                "w3": h2.T @ g,
                "linear": flat.T @ g,
            }
            np.add.at(gradient["M1"], market[i], dh1.reshape(-1, BEST, HIDDEN).sum(1))
            t += 1
            rate = RATE * min(1, t / WARM) * (1 - t / (steps + 1))
            for k, d in gradient.items():
                first[k] = 0.9 * first[k] + 0.1 * d
                second[k] = 0.999 * second[k] + 0.001 * d * d
                step = first[k] / (1 - 0.9**t) / (np.sqrt(second[k] / (1 - 0.999**t)) + 1e-8)
                p[k] -= (rate * (step + DECAY * p[k])).astype(np.float32)
    return p


scores = sum(forward(fit(seed), valid_x, valid_head[:, 0])[0] + valid_base for seed in task["seeds"])
scores = np.where(valid_features[..., 0] > -8, scores, -np.inf)
place, before = valid_head[:, 1], valid_head[:, 2].astype(float)
own = scores[np.arange(len(scores)), np.maximum(place, 0)]
# what is not among the best keeps its rank
after = np.where(place >= 0, 1 + (scores > own[:, None]).sum(1), before)


def reciprocal(rank):
    return np.where(rank <= 10, 1 / rank, 0)


def metrics(rank):
    inside = rank <= 10
    return [reciprocal(rank).mean(), np.where(inside, 1 / np.log2(1 + rank), 0).mean(), inside.mean()]


rows, gains = [], []
for half in range(task["halves"]):
    relative = []
    for m in range(MARKETS):
        q = (valid_head[:, 0] == m) & (valid_head[:, 3] == half)
        a, b = metrics(before[q]), metrics(after[q])
        d = reciprocal(after[q]) - reciprocal(before[q])
        t = float(d.mean() / (d.std() / np.sqrt(len(d))))
        rows.append({"half": half, "market": m, "rows": int(q.sum()), "before": a, "after": [float(v) for v in b], "t": t})
        relative.append([v / w - 1 for v, w in zip(b, a)])
    gains.append(np.mean(relative, 0).tolist())
for row in rows:
    row["before"] = [float(v) for v in row["before"]]
print(json.dumps({"queries": len(train_head), "used": int(known.sum()), "rows": rows, "gains": gains}))
