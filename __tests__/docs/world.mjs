/** What the examples find around them when they run: tokens, a page, and an API that answers without a network. */
import axios, { AxiosError } from 'axios';

const secondsNow = () => Math.floor(Date.now() / 1000);
const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

let issued = 0;
const issue = () => {
  issued += 1;
  const claims = { sub: 'alice', jti: String(issued), iat: secondsNow(), exp: secondsNow() + 600 };
  return { accessToken: `${part({ alg: 'none' })}.${part(claims)}.signature`, refreshToken: `refresh-${issued}` };
};

let valid = issue();
const expiredToken = `${part({ alg: 'none' })}.${part({ sub: 'alice', exp: secondsNow() - 60 })}.signature`;

function answer({ url = '', headers }) {
  if (/refresh|token/.test(url)) {
    valid = issue();
    // In the words of a JSON back end, and in those of OAuth.
    return [
      200,
      { ...valid, access_token: valid.accessToken, refresh_token: valid.refreshToken, token_type: 'Bearer' },
    ];
  }
  if (headers.get('Authorization') === `Bearer ${valid.accessToken}`) return [200, { url, id: 1, name: 'Alice' }];
  return [401, { error: 'invalid_token' }];
}

axios.defaults.adapter = async (config) => {
  const [status, data] = answer(config);
  const response = { status, statusText: '', headers: {}, data: JSON.stringify(data), config, request: {} };
  if (!config.validateStatus || config.validateStatus(status)) return response;
  const code = status < 500 ? AxiosError.ERR_BAD_REQUEST : AxiosError.ERR_BAD_RESPONSE;
  throw new AxiosError(`Request failed with status code ${status}`, code, config, response.request, response);
};

Object.assign(globalThis, {
  ...valid,
  expiredToken,
  location: { assign: (path) => console.log(`location: ${path}`) },
});
