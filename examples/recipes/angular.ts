/** Angular: the session as a service with signals. Provide it once: `{ provide: TOKEN_SESSION, useValue: session }`. */
import { computed, DestroyRef, inject, Injectable, InjectionToken, signal } from '@angular/core';
import type { TokenSession } from 'axios-token-refresh';

export const TOKEN_SESSION = new InjectionToken<TokenSession>('TOKEN_SESSION');

@Injectable({ providedIn: 'root' })
export class TokenSessionService {
  readonly session = inject(TOKEN_SESSION);
  readonly #snapshot = signal(this.session.getSnapshot());
  readonly snapshot = this.#snapshot.asReadonly();
  readonly status = computed(() => this.snapshot().status);
  readonly endsAt = computed(() => this.snapshot().endsAt);

  constructor() {
    const tell = (): void => this.#snapshot.set(this.session.getSnapshot());
    // A request made in a `computed` may begin a refresh, and Angular forbids to set a signal just then.
    const stop = this.session.subscribe(() => queueMicrotask(tell));
    inject(DestroyRef).onDestroy(stop);
  }
}
