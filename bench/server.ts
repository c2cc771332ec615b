/** The server of the section `http`: tells its port, answers every request alike, ends with its parent. */
import { createServer } from 'node:http';

const body = JSON.stringify({ id: 1, name: 'item', quantity: 3, tags: ['new', 'blue'] });
const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };

const server = createServer((request, response) => {
  request.resume();
  response.writeHead(200, headers).end(body);
});

server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.send?.(typeof address === 'object' ? address?.port : undefined);
});
process.on('disconnect', () => process.exit());
