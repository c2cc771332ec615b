/** Runs every example against servers on loopback: each must be answered with 200. */
import { clientCredentials } from './client-credentials.js';
import { jsonBackEnd, otherNames } from './json-refresh.js';
import { jwtBearer } from './jwt-bearer.js';
import { refreshToken } from './refresh-token.js';
import { snowflake } from './snowflake.js';
import { startSurroundings } from './surroundings.js';
import { tokenExchange } from './token-exchange.js';

const examples = { refreshToken, clientCredentials, jwtBearer, tokenExchange, jsonBackEnd, otherNames, snowflake };

const surroundings = await startSurroundings();
try {
  for (const [name, run] of Object.entries(examples)) {
    const status = await run(surroundings);
    console.log(`${status === 200 ? '✓' : '✗'} ${name}: ${String(status)}`);
    if (status !== 200) process.exitCode = 1;
  }
} finally {
  await surroundings.close();
}
