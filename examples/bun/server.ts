import { createHandler } from 'm3rec';

const model = await Bun.file(new URL('../shop.m3rec', import.meta.url)).bytes();
Bun.serve({ port: Number(process.env.PORT ?? 8080), hostname: '127.0.0.1', fetch: createHandler(model) });
