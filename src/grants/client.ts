/** A client at a token endpoint, and how it proves who it is (RFC 6749, section 2.3): pure. */
import { checked, isObject, text, type Rules } from '../core/checks.js';
import type { GrantRequest } from './request.js';
import { endpoint } from './rules.js';

/**
 * - `client_secret_basic`: id and secret in the `Authorization` header, form-encoded (RFC 6749, section 2.3.1).
 * - `client_secret_post`: both in the body.
 * - `none`: the id alone, for public clients and for those that their TLS certificate proves.
 */
export type ClientAuthentication = 'client_secret_basic' | 'client_secret_post' | 'none';

export interface ClientOptions {
  /** Absolute URL of the token endpoint: `https:`, or `http:` to loopback. It need not be where the API is. */
  readonly tokenEndpoint: string;
  /** The client's name at the server. `jwtBearerGrant` and `tokenExchangeGrant` do without it. */
  readonly clientId?: string;
  /** Never in a page: whoever has the page has the secret. */
  readonly clientSecret?: string;
  /** How the client proves who it is. @default 'client_secret_basic' with a secret, 'none' without */
  readonly authentication?: ClientAuthentication;
  /** Scopes to ask for, with spaces between them (RFC 6749, section 3.3). @default what the server gives */
  readonly scope?: string;
  /** Further fields of the form, such as `audience` or `resource` (RFC 8707). An array is sent as repeated fields. */
  readonly parameters?: Readonly<Record<string, string | readonly string[]>>;
}

const own =
  /^(grant_type|scope|client_(id|secret|assertion(_type)?)|refresh_token|assertion|(subject|actor)_token(_type)?|requested_token_type)$/;
const isParameter = (value: unknown): boolean => [value].flat().every((entry) => typeof entry === 'string');

export const clientRules = {
  tokenEndpoint: endpoint,
  clientId: text,
  clientSecret: text,
  authentication: [
    "'client_secret_basic', 'client_secret_post' or 'none'",
    (value) => value === 'client_secret_basic' || value === 'client_secret_post' || value === 'none',
  ],
  scope: text,
  parameters: [
    'an object of strings or arrays of strings, without the fields that the grant sets itself',
    (value) => isObject(value) && Object.entries(value).every(([name, entry]) => !own.test(name) && isParameter(entry)),
  ],
} satisfies Rules<ClientOptions>;

/** The options of a grant, checked; the secret and how it is used must fit together. */
export function checkedClient<T extends ClientOptions>(
  grant: string,
  given: T,
  rules: Rules<T>,
  required: readonly (keyof T & string)[],
): T {
  const options = checked<T>(given, rules, { required: ['tokenEndpoint', ...required], of: grant });
  const { clientId, clientSecret, authentication = authenticationOf(options) } = options;
  if (authentication === 'none' && clientSecret !== undefined) {
    throw new TypeError(`${grant}: option "clientSecret" is of no use with authentication: 'none'.`);
  }
  if (authentication !== 'none' && (clientId === undefined || clientSecret === undefined)) {
    throw new TypeError(`${grant}: options "clientId" and "clientSecret" are both needed for ${authentication}.`);
  }
  return options;
}

function authenticationOf({ authentication, clientSecret }: ClientOptions): ClientAuthentication {
  return authentication ?? (clientSecret === undefined ? 'none' : 'client_secret_basic');
}

/** The form of a grant, with the client's credentials where they belong. Fields without a value are left out. */
export function formRequest(
  client: ClientOptions,
  grantType: string,
  fields: Readonly<Record<string, string | undefined>>,
): GrantRequest {
  const { tokenEndpoint, clientId = '', clientSecret = '', scope, parameters = {} } = client;
  const authentication = authenticationOf(client);
  const form = new URLSearchParams({ grant_type: grantType });
  for (const [name, value] of Object.entries({ ...fields, scope })) if (value !== undefined) form.append(name, value);
  for (const [name, values] of Object.entries(parameters))
    for (const value of [values].flat()) form.append(name, value);
  if (authentication !== 'client_secret_basic' && clientId !== '') form.append('client_id', clientId);
  if (authentication === 'client_secret_post') form.append('client_secret', clientSecret);
  return {
    method: 'POST',
    url: tokenEndpoint,
    headers: {
      Accept: 'application/json',
      'Content-Type': 'application/x-www-form-urlencoded',
      ...(authentication === 'client_secret_basic' && { Authorization: basic(clientId, clientSecret) }),
    },
    body: form.toString(),
  };
}

function basic(clientId: string, clientSecret: string): string {
  return `Basic ${btoa(`${formEncoded(clientId)}:${formEncoded(clientSecret)}`)}`;
}

/**
 * RFC 6749, appendix B: UTF-8, percent signs, `+` for a space. Unreserved characters stay as they are: a server that
 * forgets to decode then still knows an id of letters, digits, `-`, `.`, `_` and `~`.
 */
function formEncoded(value: string): string {
  const percent = (character: string): string => `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
  return encodeURIComponent(value)
    .replaceAll(/[!'()*]/g, percent)
    .replaceAll('%20', '+');
}
