import { createHandler } from 'm3rec';

const model = await Deno.readFile(new URL('../shop.m3rec', import.meta.url));
const port = Number(Deno.env.get('PORT') ?? 8080);
Deno.serve({ port, hostname: '127.0.0.1' }, createHandler(model));
