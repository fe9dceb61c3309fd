"""Figures of other implementations, to hold ours against: SciPy's tests, scikit-learn's NDCG where it is installed, and
metrics written down a second time from their definitions, from the ranks that NumPy counts.

Takes {"differences": [[...]], "ps": [[...]], "rows": {"scores": [[...]], "targets": [...], "users": [...]}, "k": n} on
stdin; prints JSON.
"""
import json
import sys

import numpy as np
from scipy import stats

given = json.load(sys.stdin)


def tests(values):
    x = np.asarray(values, dtype=np.float64)
    t = stats.ttest_1samp(x, 0)
    interval = t.confidence_interval(0.95)
    kept = x[x != 0]
    ties = len(np.unique(np.abs(kept))) < len(kept) or len(kept) < len(x)
    method = "exact" if len(x) <= 50 and not ties else "approx"
    w = stats.wilcoxon(x, zero_method="wilcox", correction=False, method=method)
    return {
        "t": float(t.statistic),
        "tp": float(t.pvalue),
        "interval": [float(interval.low), float(interval.high)],
        "d": float(x.mean() / x.std(ddof=1)),
        "w": float(w.statistic),
        "wp": float(w.pvalue),
    }


def holm(ps):
    p = np.asarray(ps)
    order = np.argsort(p, kind="stable")
    adjusted = np.minimum(1, np.maximum.accumulate((len(p) - np.arange(len(p))) * p[order]))
    out = np.empty(len(p))
    out[order] = adjusted
    return out.tolist()


def metrics(rows, k):
    """Of one held-out item a row; ties take the mean rank of the tied block."""
    values = {name: [] for name in ("mrr", "ndcg", "hr")}
    sklearn = []
    for scores, target in zip(rows["scores"], rows["targets"]):
        s = np.asarray(scores)
        # SciPy's ranks of descending scores, ties at their mean
        rank = stats.rankdata(-s, method="average")[target]
        values["mrr"].append(1 / rank if rank <= k else 0)
        values["ndcg"].append(1 / np.log2(1 + rank) if rank <= k else 0)
        values["hr"].append(1 if rank <= k else 0)
        try:
            from sklearn.metrics import ndcg_score

            relevance = np.zeros(len(s))
            relevance[target] = 1
            if len(np.unique(s)) == len(s):
                sklearn.append(float(ndcg_score([relevance], [s], k=k)))
        except ImportError:
            pass
    users = np.asarray(rows["users"])
    by_user = {
        name: [float(np.mean(np.asarray(each)[users == user])) for user in np.unique(users)]
        for name, each in (("recall", values["hr"]), ("map", values["mrr"]))
    }
    out = {name: float(np.mean(each)) for name, each in values.items()}
    out |= {name: float(np.mean(each)) for name, each in by_user.items()}
    # the standard error, clustered by user, of MRR
    x = np.asarray(values["mrr"])
    sums = np.array([np.sum(x[users == user] - x.mean()) for user in np.unique(users)])
    g = len(sums)
    out["mrrError"] = float(np.sqrt(g / (g - 1) * np.sum(sums**2)) / len(x))
    if sklearn:
        out["sklearn"] = sklearn
    return out


print(
    json.dumps(
        {
            "tests": [tests(values) for values in given["differences"]],
            "holm": [holm(ps) for ps in given["ps"]],
            "metrics": metrics(given["rows"], given["k"]),
        }
    )
)
