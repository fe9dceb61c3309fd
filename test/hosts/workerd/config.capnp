using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [(name = "main", worker = .contract)],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
  # what a worker gets at Cloudflare, 128 MB, shared out: 64 for JavaScript, 1024 pages of linear memory
  v8Flags = ["--max-old-space-size=64", "--wasm-max-mem-pages=1024"],
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
