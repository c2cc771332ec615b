/** Tokens of a realistic size: JWTs as an authorization server would sign them, with a signature that nobody checks. */

const TOKEN_LENGTH = 700;
const SIGNATURE = 'c2lnbmF0dXJl'.repeat(4).slice(0, 43);

/** A JWT of about 700 bytes. `serial` makes it differ from the others. */
export function makeToken(expiresInSeconds: number, serial = 0): string {
  const issuedAt = Math.floor(Date.now() / 1000) - Math.max(0, -expiresInSeconds) - 1;
  const claims = {
    iss: 'https://login.example.com/',
    sub: 'user-1',
    aud: 'https://api.example.com',
    iat: issuedAt,
    exp: Math.floor(Date.now() / 1000) + expiresInSeconds,
    jti: `token-${serial}`,
  };
  const bare = encode({ alg: 'RS256', typ: 'JWT' }, { ...claims, permissions: '' });
  const padding = Math.floor(((TOKEN_LENGTH - bare.length) * 3) / 4);
  return encode({ alg: 'RS256', typ: 'JWT' }, { ...claims, permissions: 'read:items '.repeat(64).slice(0, padding) });
}

function encode(header: object, claims: object): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part(header)}.${part(claims)}.${SIGNATURE}`;
}
