/** Who sent a request, as far as that can be known. */
import { randomUUID } from 'node:crypto';
import { BlockList, isIP } from 'node:net';
import { identifier } from '../core/redact.js';
import { AuthError } from './refusal.js';

/** What a web-standard `Request` does not tell. The adapters fill it in. */
export interface Connection {
  /** Address of the other end of the socket. */
  readonly peerAddress?: string | undefined;
}

export interface Caller {
  /** The caller's own id for the request, if it is a plain word, else a new one. */
  readonly requestId: string;
  /** `undefined` if the peer's address is not known. */
  readonly ip: string | undefined;
  readonly userAgent: string | undefined;
}

/** Addresses and networks of the proxies in front of this server; they alone may say who the caller is. */
export type TrustedProxies = BlockList;

const longestUserAgent = 256;
const controls = /\p{Cc}/gu;
// As long as a token of ours or a part of a JWT, and no UUIDs or trace ids, which are hexadecimal.
const tokenLike = /(?<![\w-])(?![\da-f-]+(?![\w-]))[\w-]{43,}/gi;

/** @throws {TypeError} naming the option */
export function trustedProxiesOf(networks: readonly string[]): TrustedProxies {
  const list = new BlockList();
  for (const network of networks) {
    const [, address = '', bits] = /^([^/]+)(?:\/(\d+))?$/.exec(network) ?? [];
    const version = isIP(address);
    const longest = version === 4 ? 32 : 128;
    const prefix = Number(bits ?? longest);
    if (version === 0 || prefix > longest)
      throw new TypeError('Option "trustedProxies" must hold addresses or networks, such as "10.0.0.0/8".');
    list.addSubnet(address, prefix, version === 4 ? 'ipv4' : 'ipv6');
  }
  return list;
}

/** An id that the caller chose, if it is a plain word and no token in the wrong place; else a new one. */
export function requestIdFrom(chosen: unknown): string {
  const id = identifier(chosen);
  return id === undefined || withoutTokens(id) !== id ? randomUUID() : id;
}

const withoutTokens = (text: string): string => text.replace(tokenLike, '[redacted]');

/** @throws {AuthError} `AUTH_REQUEST_INVALID` if a trusted proxy forwards nonsense */
export function callerOf(
  request: Request,
  { peerAddress }: Connection,
  trusted: TrustedProxies,
): Omit<Caller, 'requestId'> {
  const userAgent = userAgentFrom(request.headers.get('user-agent') ?? undefined);
  const peer = peerAddress === undefined ? undefined : plainAddress(peerAddress);
  return { userAgent, ip: peer && clientBehind(peer, request.headers.get('x-forwarded-for'), trusted) };
}

/** As the application tells of it: its framework may write addresses in another way, or hand over what a client claims. */
export const callerGiven = ({ requestId, ip, userAgent }: Partial<Caller>): Caller => ({
  requestId: requestIdFrom(requestId),
  ip: ip === undefined ? undefined : plainAddress(ip),
  userAgent: userAgentFrom(userAgent),
});

/** Short, on one line, without what a client may have put there by mistake. */
const userAgentFrom = (text: string | undefined): string | undefined =>
  text === undefined ? undefined : withoutTokens(text.replace(controls, ' ')).slice(0, longestUserAgent);

/** From right to left, as long as the one who says so is trusted: what is further left anyone may have written. */
function clientBehind(peer: string, forwarded: string | null, trusted: TrustedProxies): string {
  const hops = forwarded === null ? [] : forwarded.split(',');
  let client = peer;
  while (hops.length > 0 && isTrusted(client, trusted)) {
    const address = plainAddress(hops.pop() ?? '');
    if (address === undefined)
      throw new AuthError('AUTH_REQUEST_INVALID', { message: 'X-Forwarded-For holds something that is no address.' });
    client = address;
  }
  return client;
}

const isTrusted = (address: string, trusted: TrustedProxies): boolean =>
  trusted.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');

/** Without port, brackets and zone; an IPv4 address in IPv6 clothes is an IPv4 address. */
function plainAddress(text: string): string | undefined {
  const bare = text
    .trim()
    .replace(/^\[([^\]]*)\](:\d+)?$/, '$1')
    .replace(/^(\d+\.\d+\.\d+\.\d+):\d+$/, '$1')
    .replace(/%.*$/, '')
    .replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '');
  return isIP(bare) === 0 ? undefined : bare;
}

/** What a limit counts by: an IPv6 user has a whole network of addresses, so the first 56 bits. */
export function limitKeyOf(ip: string): string {
  if (isIP(ip) !== 6) return ip;
  const [head = '', tail = ''] = ip.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === '' ? [] : tail.split(':');
  const zeros = Array<string>(8 - left.length - right.length).fill('0');
  const [a, b, c, d] = [...left, ...zeros, ...right].map((group) => Number.parseInt(group, 16));
  return [a, b, c, (d ?? 0) & 0xff00].map((group) => (group ?? 0).toString(16)).join(':');
}
