# One epoch of the market adaptation (margin loss) in PyTorch, as one would write it: sparse X^ times V, autograd, Adam.
# { folder, batch steps, markets: [{ users, items, dim, entries }], negatives, gamma, l2, dropout, epochs } -> { version, seconds, loss }
# X^ is given ready made, rows of users; U_loc steps only in the users of a batch (SparseAdam), V_loc densely.
import json
import pathlib
import sys
import time

import numpy
import torch

task = json.load(sys.stdin)
folder = pathlib.Path(task["folder"])
torch.set_num_threads(task["threads"])
torch.manual_seed(1)


def read(i, part, kind):
    return numpy.fromfile(folder / f"{i}.{part}", dtype=kind)


class Market:
    def __init__(self, i, shape):
        self.users, self.items, self.dim = shape["users"], shape["items"], shape["dim"]
        self.fixed = torch.from_numpy(read(i, "v", numpy.float32).reshape(self.items, self.dim))
        self.x_indptr, self.x_indices = read(i, "indptr", numpy.int32), read(i, "indices", numpy.int32)
        self.h_indptr, self.h_indices, self.h_values = read(i, "hindptr", numpy.int32), read(i, "hindices", numpy.int32), read(i, "hvalues", numpy.float32)
        self.local = torch.nn.Parameter(torch.zeros(self.items, self.dim))
        self.offsets = torch.nn.Embedding(self.users, self.dim, sparse=True)
        torch.nn.init.zeros_(self.offsets.weight)

    def batch(self, users):
        """Rows of X^ as a sparse matrix, and the batch's interactions as (row, item)."""
        def rows(indptr):
            lengths = indptr[users + 1] - indptr[users]
            at = numpy.repeat(indptr[users] - numpy.concatenate(([0], numpy.cumsum(lengths)[:-1])), lengths) + numpy.arange(lengths.sum())
            return lengths, at
        lengths, at = rows(self.h_indptr)
        crow = torch.from_numpy(numpy.concatenate(([0], numpy.cumsum(lengths))).astype(numpy.int64))
        history = torch.sparse_csr_tensor(crow, torch.from_numpy(self.h_indices[at].astype(numpy.int64)), torch.from_numpy(self.h_values[at]), size=(len(users), self.items))
        lengths, at = rows(self.x_indptr)
        return history, torch.from_numpy(numpy.repeat(numpy.arange(len(users)), lengths)), torch.from_numpy(self.x_indices[at].astype(numpy.int64))

    def loss(self, users):
        history, row, item = self.batch(users)
        v = self.fixed + self.local
        # the gradient of a sparse product is the transposed product
        u = SparseProduct.apply(history, v) + self.offsets(torch.from_numpy(users.astype(numpy.int64)))
        u = torch.nn.functional.dropout(u, task["dropout"])
        u, v = torch.nn.functional.normalize(u), torch.nn.functional.normalize(v)
        negatives = torch.randint(self.items, (len(item), task["negatives"]))
        centre = u[row]
        positive = (centre * v[item]).sum(1)
        away = torch.bmm(v[negatives.view(-1)].view(len(item), task["negatives"], -1), centre.unsqueeze(2)).squeeze(2)
        return (1 - positive).sum() + torch.relu(away - task["gamma"]).mean(1).sum() + task["l2"] * (self.local ** 2).sum(), len(item)


class SparseProduct(torch.autograd.Function):
    @staticmethod
    def forward(context, matrix, dense):
        context.matrix = matrix
        return matrix @ dense

    @staticmethod
    def backward(context, gradient):
        matrix = context.matrix
        rows = torch.repeat_interleave(torch.arange(matrix.shape[0]), matrix.crow_indices().diff())
        coo = torch.sparse_coo_tensor(torch.stack((matrix.col_indices(), rows)), matrix.values(), (matrix.shape[1], matrix.shape[0]))
        return None, torch.sparse.mm(coo, gradient)


markets = [Market(i, shape) for i, shape in enumerate(task["markets"])]
dense = torch.optim.Adam([market.local for market in markets], lr=0.001)
sparse = torch.optim.SparseAdam([market.offsets.weight for market in markets], lr=0.001)
steps = task["steps"]
random = numpy.random.default_rng(1)
seconds = []
for _ in range(task["epochs"]):
    begin = time.perf_counter()
    cuts = [numpy.array_split(random.permutation(market.users), steps) for market in markets]
    total, count = 0.0, 0
    for step in range(steps):
        dense.zero_grad()
        sparse.zero_grad()
        for market, cut in zip(markets, cuts):
            loss, interactions = market.loss(cut[step])
            loss.backward()
            total += float(loss)
            count += interactions
        dense.step()
        sparse.step()
    seconds.append(time.perf_counter() - begin)
print(json.dumps({"version": torch.__version__, "seconds": seconds, "loss": total / count}))
