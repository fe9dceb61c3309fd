"""Steps of the laboratory's learned kinds in PyTorch, as one would write them: autograd, torch.optim.Adam over all
parameters, sparse products for graphs. Negatives are uniform items of the market, without a look at what the user has.

Takes { folder, kind, threads, steps, dim, hidden, batch, negatives, dropout, decay, learningRate, depth, experts,
transfer, markets: [{ users }], items } on stdin, with the files m.indptr, m.indices (X of each market, places among its
items) and m.items (its items' rows). Prints { version, seconds, processor (of each step), losses }. With `epochs` it trains
so many, then ranks the rows of m.rows (user, then 1,000 places of which the first is the held-out one, -1 for an unknown
item) and prints the mean reciprocal rank of each market's too, cut at 10.
"""
import json
import math
import pathlib
import sys
import time

import numpy
import torch
from torch import nn
from torch.nn import functional as F

task = json.load(sys.stdin)
folder = pathlib.Path(task["folder"])
kind, d, K, depth = task["kind"], task["dim"], task["negatives"], task.get("depth", 0)
torch.set_num_threads(task["threads"])
torch.manual_seed(1)
random = numpy.random.default_rng(1)


def read(name):
    return numpy.fromfile(folder / name, dtype=numpy.int32).astype(numpy.int64)


class Market:
    def __init__(self, m, first):
        self.number, self.first, self.users = m, first, task["markets"][m]["users"]
        self.items, self.indptr, self.indices = read(f"{m}.items"), read(f"{m}.indptr"), read(f"{m}.indices")
        self.user_of = numpy.repeat(numpy.arange(self.users), numpy.diff(self.indptr))


markets, first = [], 0
for number, shape in enumerate(task["markets"]):
    markets.append(Market(number, first))
    first += shape["users"]
users, items = first, task["items"]


def embedding(rows, cols, deviation):
    table = nn.Embedding(rows, cols)
    nn.init.uniform_(table.weight, -(3**0.5) * deviation, 3**0.5 * deviation)
    return table


def dense(inside, outside):
    layer = nn.Linear(inside, outside)
    nn.init.xavier_uniform_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


def head(inside):
    layer = nn.Linear(inside, 1)
    nn.init.uniform_(layer.weight, -((3 / inside) ** 0.5), (3 / inside) ** 0.5)
    nn.init.zeros_(layer.bias)
    return layer


training = True
WIDTHS = [2 * d, task.get("hidden", 0), 2 * task.get("hidden", 0), d]


def tower():
    return nn.ModuleList(dense(a, b) for a, b in zip(WIDTHS, WIDTHS[1:]))


def drop(x):
    return F.dropout(x, task["dropout"]) if task["dropout"] > 0 and training else x


def run(layers, x, dropped=False):
    for i, layer in enumerate(layers):
        x = F.relu(layer(x if dropped and i == 0 else drop(x)))
    return x


class Pair(nn.Module):
    """A table of users and one of items."""

    def __init__(self):
        super().__init__()
        self.p, self.q = embedding(users, d, 0.01), embedding(items, d, 0.01)

    def forward(self, u, i):
        return self.p(u), self.q(i)


class Base(nn.Module):
    """GMF, MLP, NeuMF."""

    def __init__(self, product, layers):
        super().__init__()
        self.product = Pair() if product else None
        self.pair = Pair() if layers else None
        self.layers = tower() if layers else None
        self.head = head((d if product else 0) + (d if layers else 0))

    def forward(self, u, i, _):
        parts = []
        if self.product:
            p, q = self.product(u, i)
            parts.append(p * q)
        if self.pair:
            parts.append(run(self.layers, torch.cat(self.pair(u, i), 1)))
        return self.head(torch.cat(parts, 1)).squeeze(1)


class CrossStitch(nn.Module):
    def __init__(self):
        super().__init__()
        n = len(markets)
        self.product, self.pair = Pair(), Pair()
        self.towers = nn.ModuleList(tower() for _ in markets)
        start = torch.full((n, n), 0.1 / (n - 1)).fill_diagonal_(0.9)
        self.units = nn.ParameterList(nn.Parameter(start.clone()) for _ in WIDTHS[1:])
        self.heads = nn.ModuleList(head(2 * d) for _ in markets)

    def forward(self, u, i, m):
        p, q = self.product(u, i)
        x = drop(torch.cat(self.pair(u, i), 1))
        values = [x for _ in markets]
        for layer, unit in enumerate(self.units):
            found = [F.relu(layers[layer](value)) for layers, value in zip(self.towers, values)]
            if layer == len(self.units) - 1:
                own = sum(unit[m, j] * found[j] for j in range(len(found)))
                return self.heads[m](torch.cat((own, p * q), 1)).squeeze(1)
            values = [drop(sum(row[j] * found[j] for j in range(len(found)))) for row in unit]


class Mixture(nn.Module):
    """MMoE."""

    def __init__(self):
        super().__init__()
        self.pair = Pair()
        self.experts = nn.ModuleList(tower() for _ in range(task["experts"]))
        self.gates = nn.ModuleList(nn.Linear(2 * d, task["experts"], bias=False) for _ in markets)
        for gate in self.gates:
            nn.init.zeros_(gate.weight)
        self.heads = nn.ModuleList(head(d) for _ in markets)

    def forward(self, u, i, m):
        x = torch.cat(self.pair(u, i), 1)
        a = F.softmax(self.gates[m](x), 1)
        dropped = drop(x)
        found = torch.stack([run(expert, dropped, True) for expert in self.experts], 1)
        return self.heads[m]((a.unsqueeze(2) * found).sum(1)).squeeze(1)


class Star(nn.Module):
    def __init__(self):
        super().__init__()
        self.pair = Pair()
        self.layers, self.head = tower(), head(d)
        shapes = [layer.weight.shape for layer in self.layers] + [self.head.weight.shape]
        self.own = nn.ModuleList(nn.ParameterList(nn.Parameter(torch.ones(s)) for s in shapes) for _ in markets)
        self.biases = nn.ModuleList(nn.ParameterList(nn.Parameter(torch.zeros(s[0])) for s in shapes) for _ in markets)
        self.scale, self.shift = nn.Parameter(torch.ones(2 * d)), nn.Parameter(torch.zeros(2 * d))
        self.normal = nn.ModuleList(nn.BatchNorm1d(2 * d, momentum=0.01) for _ in markets)
        self.market = embedding(len(markets), 16, 0.01)
        self.auxiliary, self.last = dense(16 + 2 * d, 64), nn.Linear(64, 1, bias=False)

    def forward(self, u, i, m):
        normal = self.normal[m]
        x = torch.cat(self.pair(u, i), 1)
        mean, variance = x.mean(0), x.var(0, unbiased=False)
        x = (x - mean) / torch.sqrt(variance + 1e-5) * (self.scale * normal.weight) + self.shift + normal.bias
        value = x
        for layer, own, bias in zip([*self.layers, self.head], self.own[m], self.biases[m]):
            inside = value if layer is self.head else drop(value)
            value = F.linear(inside, layer.weight * own, layer.bias + bias)
            if layer is not self.head:
                value = F.relu(value)
        side = torch.cat((self.market.weight[m].expand(len(x), -1), x), 1)
        return (value + self.last(F.relu(self.auxiliary(side)))).squeeze(1)


class Product(torch.autograd.Function):
    """A sparse matrix times a dense one; the gradient is the transposed product."""

    @staticmethod
    def forward(context, matrix, transposed, x):
        context.transposed = transposed
        return matrix @ x

    @staticmethod
    def backward(context, gradient):
        return None, None, context.transposed @ gradient


def csr(rows, cols, values, shape):
    matrix = torch.sparse_coo_tensor(numpy.stack((rows, cols)), torch.from_numpy(values.astype(numpy.float32)), shape)
    return matrix.coalesce().to_sparse_csr()


class Graph(nn.Module):
    """BPR (depth 0), LightGCN, and Bi-TGCF, whose markets have item rows of their own and mix them after each layer."""

    def __init__(self):
        super().__init__()
        apart = kind == "bitgcf"
        sizes = [len(market.items) for market in markets]
        self.places = [sum(sizes[:m]) + numpy.arange(sizes[m]) if apart else market.items for m, market in enumerate(markets)]
        self.items = sum(sizes) if apart else items
        self.table = embedding(users + self.items, d, 0.1)
        self.mixing = self.transfer() if apart else None
        if depth > 0:
            u = numpy.concatenate([market.first + market.user_of for market in markets])
            i = users + numpy.concatenate([self.places[m][market.indices] for m, market in enumerate(markets)])
            degrees = numpy.bincount(u, minlength=users + self.items) + numpy.bincount(i, minlength=users + self.items)
            values = 1 / numpy.sqrt(degrees[u] * degrees[i])
            n = users + self.items
            self.graph = csr(numpy.concatenate((u, i)), numpy.concatenate((i, u)), numpy.concatenate((values, values)), (n, n))

    def transfer(self):
        sold = {}
        for m, market in enumerate(markets):
            degrees = numpy.bincount(market.indices, minlength=len(market.items))
            for place, item in enumerate(market.items):
                sold.setdefault(item, []).append((users + self.places[m][place], degrees[place]))
        rows, cols, values = list(range(users)), list(range(users)), [1.0] * users
        for there in sold.values():
            total = sum(degree for _, degree in there)
            for row, _ in there:
                for col, degree in there:
                    others = len(there) - 1
                    a = (task["transfer"] if row == col else (1 - task["transfer"]) / others) if others else 1
                    b = degree / total if total else float(row == col)
                    rows.append(row), cols.append(col), values.append(0.5 * (a + b) if others else 1.0)
        n = users + self.items
        rows, cols, values = numpy.array(rows), numpy.array(cols), numpy.array(values)
        return csr(rows, cols, values, (n, n)), csr(cols, rows, values, (n, n))

    def final(self):
        layer = self.table.weight
        total = layer
        for _ in range(depth):
            layer = Product.apply(self.graph, self.graph, layer)
            if self.mixing:
                layer = Product.apply(*self.mixing, layer)
            total = total + layer
        return total / (depth + 1)


class Autoencoder(nn.Module):
    """MultVAE. Histories are sparse: rows of W_1 are summed, and scores are those of the market's items."""

    def __init__(self):
        super().__init__()
        hidden = task["hidden"]
        self.encoder = nn.EmbeddingBag(items, hidden, mode="sum")
        nn.init.xavier_uniform_(self.encoder.weight)
        self.bias = nn.Parameter(torch.zeros(hidden))
        self.moments, self.decoded = dense(hidden, 2 * d), dense(d, hidden)
        self.decoder = dense(hidden, items)
        self.rows = [torch.from_numpy(market.items) for market in markets]

    def loss(self, chosen, m, weight):
        market = markets[m]
        lengths = market.indptr[chosen + 1] - market.indptr[chosen]
        at = numpy.concatenate([numpy.arange(market.indptr[u], market.indptr[u + 1]) for u in chosen])
        places = torch.from_numpy(market.indices[at])
        rows = torch.from_numpy(numpy.repeat(numpy.arange(len(chosen)), lengths))
        values = drop(torch.from_numpy(numpy.repeat(1 / numpy.sqrt(lengths), lengths).astype(numpy.float32)))
        offsets = torch.from_numpy(numpy.concatenate(([0], numpy.cumsum(lengths)[:-1])))
        h = torch.tanh(self.encoder(self.rows[m][places], offsets, per_sample_weights=values) + self.bias)
        mu, logvar = self.moments(h).split(d, 1)
        z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        h = torch.tanh(self.decoded(z))
        scores = F.log_softmax(F.linear(h, self.decoder.weight[self.rows[m]], self.decoder.bias[self.rows[m]]), 1)
        divergence = 0.5 * (logvar.exp() + mu**2 - 1 - logvar).sum()
        return -scores[rows, places].sum() + weight * divergence


def cut(count, steps, step):
    return count * step // steps, count * (step + 1) // steps


def sampled(market, order, steps, step):
    """Users, items' places among the market's: of each interaction it and its negatives."""
    begin, end = cut(len(order), steps, step)
    at = order[begin:end]
    places = numpy.empty((len(at), 1 + K), dtype=numpy.int64)
    places[:, 0] = market.indices[at]
    places[:, 1:] = random.integers(0, len(market.items), (len(at), K))
    return market.first + market.user_of[at], places


def networks_loss(model, steps, step, orders):
    """Binary cross-entropy, one seen item and K others each."""
    total, count = 0, 0
    for market, order in zip(markets, orders):
        u, places = sampled(market, order, steps, step)
        u = torch.from_numpy(numpy.repeat(u, 1 + K))
        i = torch.from_numpy(market.items[places.ravel()])
        labels = torch.zeros(len(places), 1 + K)
        labels[:, 0] = 1
        logits = model(u, i, market.number)
        total = total + F.binary_cross_entropy_with_logits(logits, labels.ravel(), reduction="sum")
        count += len(i)
    return total / count


def graph_loss(model, steps, step, orders):
    """Pairs, with L2 on the first layer's rows."""
    vectors, total, squares, count = model.final(), 0, 0, 0
    for m, (market, order) in enumerate(zip(markets, orders)):
        u, places = sampled(market, order, steps, step)
        rows = torch.from_numpy(users + model.places[m][places])
        u = torch.from_numpy(u)
        own, there = vectors[u], vectors[rows]
        if kind == "bpr":
            # the last number of an item is its bias
            own = torch.cat((own[:, :-1], torch.ones(len(own), 1)), 1)
        scores = torch.bmm(there, own.unsqueeze(2)).squeeze(2)
        total = total + F.softplus(scores[:, 1:] - scores[:, :1]).sum()
        p, q = model.table(u), model.table(rows)
        squares = squares + (p**2).sum() + (q[:, 0] ** 2).sum() + (q[:, 1:] ** 2).sum() / K
        count += len(u)
    return total / (K * count) + task["decay"] / (2 * count) * squares


def autoencoder_loss(model, steps, step, orders):
    total, count = 0, 0
    for market, order in zip(markets, orders):
        begin, end = cut(len(order), steps, step)
        total = total + model.loss(order[begin:end], market.number, 0.0)
        count += end - begin
    return total / count


BUILD = {
    "gmf": lambda: (Base(True, False), networks_loss),
    "mlp": lambda: (Base(False, True), networks_loss),
    "neumf": lambda: (Base(True, True), networks_loss),
    "crossstitch": lambda: (CrossStitch(), networks_loss),
    "mmoe": lambda: (Mixture(), networks_loss),
    "star": lambda: (Star(), networks_loss),
    "bpr": lambda: (Graph(), graph_loss),
    "lightgcn": lambda: (Graph(), graph_loss),
    "bitgcf": lambda: (Graph(), graph_loss),
    "multvae": lambda: (Autoencoder(), autoencoder_loss),
}
model, loss_of = BUILD[kind]()
optimiser = torch.optim.Adam(model.parameters(), lr=task["learningRate"])
counts = [market.users if kind == "multvae" else len(market.indices) for market in markets]
steps = math.ceil(sum(counts) / task["batch"])
seconds, processor, losses = [], [], []
for step in range(task["epochs"] * steps if "epochs" in task else task["steps"]):
    if step % steps == 0:
        orders = [random.permutation(count) for count in counts]
    clock, used = time.perf_counter(), time.process_time()
    optimiser.zero_grad()
    loss = loss_of(model, steps, step % steps, orders)
    loss.backward()
    optimiser.step()
    losses.append(float(loss.detach()))
    seconds.append(time.perf_counter() - clock)
    processor.append(time.process_time() - used)


def reciprocal_ranks(market):
    rows = read(f"{market.number}.rows").reshape(-1, 1001)
    total = 0.0
    for user, *places in rows[rows[:, 1] >= 0].tolist():
        i = torch.tensor(market.items[[place for place in places if place >= 0]])
        scores = model(torch.full_like(i, market.first + user), i, market.number)
        rank = 1 + int((scores[1:] > scores[0]).sum()) + int((scores[1:] == scores[0]).sum()) / 2
        total += 1 / rank if rank <= 10 else 0
    return total / len(rows)


found = {"version": torch.__version__, "seconds": seconds, "processor": processor, "losses": losses}
if "epochs" in task:
    training = False
    with torch.no_grad():
        found = {"version": found["version"], "mrr": [reciprocal_ranks(market) for market in markets]}
        found |= {"processor": sum(processor), "loss": sum(losses[-steps:]) / steps}
print(json.dumps(found))
