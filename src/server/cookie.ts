/** The refresh token in a cookie that no script can read. */
import { checked, flag, text, type Rules } from '../core/checks.js';
import { texts } from './checks.js';
import { AuthError } from './refusal.js';

export interface CookieOptions {
  /** Exact origins of the pages that may refresh, such as `'https://app.example.com'`. */
  readonly allowedOrigins: readonly string[];
  /** `__Host-` ties the cookie to this host; it needs `path: '/'` and `secure`. @default '__Host-refresh' */
  readonly name?: string;
  /** A name without the prefix may have a narrower path, such as `'/auth'`. @default '/' */
  readonly path?: string;
  /** `false` is for tests over plain HTTP. @default true */
  readonly secure?: boolean;
}

export interface RefreshCookie {
  /** @throws {AuthError} `AUTH_REQUEST_INVALID`: 403 for another origin, 400 for two cookies of the name */
  read(request: Request): string | undefined;
  /** The value of `Set-Cookie`. */
  write(token: string, lifetimeMs: number): string;
  clear(): string;
}

const rules: Rules<CookieOptions> = { allowedOrigins: texts, name: text, path: text, secure: flag };

const namePattern = /^[\w!#$%&'*+.^`|~-]+$/;

/** @throws {TypeError} naming the option */
export function createCookie(given: CookieOptions): RefreshCookie {
  const options = checked<CookieOptions>(given, rules, { required: ['allowedOrigins'], path: 'cookie' });
  const { allowedOrigins, name = '__Host-refresh', path = '/', secure = true } = options;
  check(options, name, path, secure);
  const attributes = `Path=${path}; HttpOnly; SameSite=Strict${secure ? '; Secure' : ''}`;

  return {
    read(request) {
      // SameSite=Strict lets neighbours of the same site through: their pages have another origin.
      const origin = request.headers.get('origin');
      if (origin === null || !allowedOrigins.includes(origin))
        throw new AuthError('AUTH_REQUEST_INVALID', { status: 403, message: 'This origin may not refresh.' });
      const found = valuesOf(request.headers.get('cookie') ?? '', name);
      // A neighbouring host can plant a second one where the name has no prefix; which of them is ours cannot be told.
      if (found.length > 1)
        throw new AuthError('AUTH_REQUEST_INVALID', { message: 'The cookie was sent more than once.' });
      return found[0];
    },
    write: (token, lifetimeMs) => `${name}=${token}; Max-Age=${Math.floor(lifetimeMs / 1000)}; ${attributes}`,
    clear: () => `${name}=; Max-Age=0; ${attributes}`,
  };
}

// With what browsers strip before a name. trim() knows more: a no-break space would make a name with the prefix of one without.
const separator = /;[ \t]*/;

const valuesOf = (header: string, name: string): string[] =>
  header
    .split(separator)
    .filter((pair) => pair.startsWith(`${name}=`))
    .map((pair) => pair.slice(name.length + 1));

function check({ allowedOrigins }: CookieOptions, name: string, path: string, secure: boolean): void {
  const isOrigin = (text: string): boolean => URL.canParse(text) && new URL(text).origin === text;
  if (allowedOrigins.length === 0 || !allowedOrigins.every(isOrigin))
    throw new TypeError('Option "cookie.allowedOrigins" must hold exact origins, such as "https://app.example.com".');
  if (!namePattern.test(name)) throw new TypeError('Option "cookie.name" must be a cookie name.');
  if (!/^\/[\w/.~-]*$/.test(path)) throw new TypeError('Option "cookie.path" must be a path that starts with "/".');
  // Browsers hold a name to its prefix whatever its case (RFC 6265bis, section 4.1.3).
  if (/^__host-/i.test(name) && (path !== '/' || !secure))
    throw new TypeError('Option "cookie.name": the prefix "__Host-" needs the path "/" and a secure cookie.');
  if (/^__secure-/i.test(name) && !secure)
    throw new TypeError('Option "cookie.name": the prefix "__Secure-" needs a secure cookie.');
}
