using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [(name = "main", worker = .recommender)],
  sockets = [(name = "http", address = "127.0.0.1:8080", http = (), service = "main")],
);

const recommender :Workerd.Worker = (
  modules = [
    (name = "worker.js", esModule = embed "build/worker.js"),
    (name = "m3rec/kernels.wasm", wasm = embed "build/kernels.wasm"),
    (name = "shop.m3rec", data = embed "build/shop.m3rec"),
  ],
  compatibilityDate = "2026-04-01",
);
