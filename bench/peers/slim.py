"""SLIM by scikit-learn's coordinate descent: an ElasticNet without an intercept and without negative weights for each
item, its own column emptied.

Takes { folder, rows, cols, lasso, ridge, epsilon } on stdin, with the files indptr and indices of X and windptr, windices,
wvalues of another implementation's weights (items x items); prints { version, processor, entries, difference (the largest of
a weight) }.
"""
import json
import pathlib
import sys
import time
import warnings

import numpy
import sklearn
from scipy import sparse
from sklearn.linear_model import ElasticNet

task = json.load(sys.stdin)
folder = pathlib.Path(task["folder"])
rows, n = task["rows"], task["cols"]


def read(name, kind=numpy.int32):
    return numpy.fromfile(folder / name, dtype=kind)


indices = read("indices")
X = sparse.csr_matrix((numpy.ones(len(indices)), indices, read("indptr")), shape=(rows, n)).tocsc()
# (1 / 2 rows) |y - Xw|^2 + alpha ratio |w|_1 + alpha (1 - ratio) / 2 |w|^2, where ours is not divided by the rows
alpha = (task["lasso"] + task["ridge"]) / rows
ratio = task["lasso"] / (task["lasso"] + task["ridge"])
model = ElasticNet(alpha=alpha, l1_ratio=ratio, positive=True, fit_intercept=False, copy_X=False, max_iter=100, tol=1e-4)
warnings.simplefilter("ignore")
parts = []
begin = time.process_time()
for j in range(n):
    start, end = X.indptr[j], X.indptr[j + 1]
    y = X[:, j].toarray().ravel()
    X.data[start:end] = 0
    model.fit(X, y)
    X.data[start:end] = 1
    parts.append(sparse.csc_matrix(model.sparse_coef_.reshape(n, 1)))
processor = time.process_time() - begin
W = sparse.hstack(parts).tocsr()
given = sparse.csr_matrix((read("wvalues", numpy.float32), read("windices"), read("windptr")), shape=(n, n))
print(
    json.dumps(
        {
            "version": f"scikit-learn {sklearn.__version__}",
            "processor": processor,
            "entries": int((W.data >= task["epsilon"]).sum()),
            "difference": float(abs(W - given).max()),
        }
    )
)
