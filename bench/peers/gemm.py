# f32 matrix products of NumPy: { sizes, seconds } -> { version, times: [[processor seconds a product]] }
import json
import sys
import time

import blas
import numpy

task = json.load(sys.stdin)
random = numpy.random.default_rng(1)
times = []
for n in task["sizes"]:
    a = random.random((n, n), dtype=numpy.float32)
    b = random.random((n, n), dtype=numpy.float32)
    c = numpy.empty((n, n), dtype=numpy.float32)
    numpy.matmul(a, b, out=c)
    runs = []
    start = time.perf_counter()
    while len(runs) < 3 or time.perf_counter() - start < task["seconds"]:
        begin = time.process_time()
        numpy.matmul(a, b, out=c)
        runs.append(time.process_time() - begin)
    times.append(runs)
print(json.dumps({"version": f"{numpy.__version__}{blas.suffix()}", "times": times}))
