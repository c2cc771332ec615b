/** Keeps a credential on its own origin when the http adapter follows redirects: pure. */
import type { InternalAxiosRequestConfig } from 'axios';
import { takeOff } from './header.js';
import { originOf } from './origins.js';
import { field } from './redact.js';

export type BeforeRedirect = NonNullable<InternalAxiosRequestConfig['beforeRedirect']>;

/** Takes `header` off a redirect that leaves `origin`, then lets the caller's own hook see it. */
export function redirectGuard(header: string, origin: string, own: BeforeRedirect | undefined): BeforeRedirect {
  return (options, ...details) => {
    if (originOf(String(field(options, 'href'))) !== origin) takeOff(field(options, 'headers'), header);
    own?.(options, ...details);
  };
}

/** Has a redirect answered as it is. The fetch adapter heeds `maxRedirects` since Axios 1.20 only. */
export function refuseRedirects(config: Pick<InternalAxiosRequestConfig, 'maxRedirects' | 'fetchOptions'>): void {
  config.maxRedirects = 0;
  config.fetchOptions = { ...config.fetchOptions, redirect: 'manual' };
}
