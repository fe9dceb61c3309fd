# EASE from X by SciPy: potrf + potri of the dense Gram, in f32 or, where double, in f64.
# { folder, rows, cols, lam, epsilon, double } with the files indptr and indices; -> { version, seconds of each step, peak, entries }
# and the entries >= epsilon in the files ease.indptr, ease.indices, ease.values.
import json
import pathlib
import resource
import sys
import time

import blas
import numpy
import scipy
from scipy import sparse
from scipy.linalg import lapack

task = json.load(sys.stdin)
folder = pathlib.Path(task["folder"])
n = task["cols"]
indptr = numpy.fromfile(folder / "indptr", dtype=numpy.int32)
indices = numpy.fromfile(folder / "indices", dtype=numpy.int32)
real = numpy.float64 if task["double"] else numpy.float32
potrf, potri = (lapack.dpotrf, lapack.dpotri) if task["double"] else (lapack.spotrf, lapack.spotri)
X = sparse.csr_matrix((numpy.ones(len(indices), dtype=real), indices, indptr), shape=(task["rows"], n))
BLOCK = 512

steps = {}
began = time.process_time()
clock = time.perf_counter()


def lap(step):
    global clock
    now = time.perf_counter()
    steps[step] = now - clock
    clock = now


gram = (X.T @ X).toarray(order="F")
gram[numpy.diag_indices(n)] += real(task["lam"])
lap("gram")
factor, failed = potrf(gram, lower=1, overwrite_a=1, clean=0)
assert failed == 0
lap("potrf")
inverse, failed = potri(factor, lower=1, overwrite_c=1)
assert failed == 0
lap("potri")
# C_ij below the diagonal makes both B_ij = -C_ij / C_jj and B_ji = -C_ij / C_ii
scale = -1 / inverse.diagonal()
parts = []
for first in range(0, n, BLOCK):
    last = min(n, first + BLOCK)
    low = inverse[first:, first:last]
    low[: last - first][numpy.triu_indices(last - first)] = 0
    b = low * scale[first:last]
    at = numpy.nonzero(b >= task["epsilon"])
    parts.append((at[0] + first, at[1] + first, b[at]))
    b = low * scale[first:, None]
    at = numpy.nonzero(b >= task["epsilon"])
    parts.append((at[1] + first, at[0] + first, b[at]))
rows, cols, values = (numpy.concatenate(each) for each in zip(*parts))
B = sparse.csr_matrix((values, (rows, cols)), shape=(n, n))
B.sort_indices()
lap("filter")
processor = time.process_time() - began
B.indptr.astype(numpy.int32).tofile(folder / "ease.indptr")
B.indices.astype(numpy.int32).tofile(folder / "ease.indices")
B.data.astype(numpy.float32).tofile(folder / "ease.values")
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps({"version": f"{scipy.__version__}{blas.suffix()}", "steps": steps, "processor": processor, "peak": peak, "entries": int(B.nnz)}))
