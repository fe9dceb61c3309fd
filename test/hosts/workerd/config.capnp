using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [(name = "main", worker = .contract)],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);

const contract :Workerd.Worker = (
  modules = [
    (name = "worker.mjs", esModule = embed "worker.mjs"),
    (name = "m3rec/kernels.wasm", wasm = embed "kernels.wasm"),
    (name = "model.m3rec", data = embed "model.m3rec"),
    (name = "run.tsv", text = embed "run.tsv"),
  ],
  compatibilityDate = "2026-04-01",
);
