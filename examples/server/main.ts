/** `npx tsx examples/server/main.ts express|fastify|hono [port] [file]`: a sign-in, a refresh endpoint and a guarded route. */
import type { AddressInfo } from 'node:net';
import { createEndpoint } from './endpoint.js';
import { listen as express } from './express.js';
import { listen as fastify } from './fastify.js';
import { listen as hono } from './hono.js';

const frameworks = { express, fastify, hono };
const [name = 'express', port = '3000', path = 'sessions.db'] = process.argv.slice(2);
if (!Object.hasOwn(frameworks, name)) throw new TypeError(`Known: ${Object.keys(frameworks).join(', ')}.`);

const server = await frameworks[name as keyof typeof frameworks](await createEndpoint(path), Number(port));
const { port: taken } = server.address() as AddressInfo;
process.stdout.write(`listening on http://127.0.0.1:${taken}\n`);
