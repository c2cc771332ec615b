/** Whose session it is, as a hash that does not tell who. Web Crypto only, so that it runs everywhere. */

/** HMAC-SHA-256 of `subject` under `salt`, in hexadecimal. Rejects where there is no Web Crypto: a page over plain HTTP. */
async function hashOf(subject: string, salt: string): Promise<string> {
  const encoder = new TextEncoder();
  const algorithm = { name: 'HMAC', hash: 'SHA-256' };
  const key = await crypto.subtle.importKey('raw', encoder.encode(salt), algorithm, false, ['sign']);
  const bytes = await crypto.subtle.sign(algorithm, key, encoder.encode(subject));
  return [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** The hash of the subject that was told last. It takes a moment; afterwards it is there at once. */
export class Subject {
  readonly #salt: string;
  readonly #failed: (error: unknown) => void;
  #subject: string | undefined;
  #hash: string | Promise<string | undefined> | undefined;

  constructor(salt: string, failed: (error: unknown) => void) {
    this.#salt = salt;
    this.#failed = failed;
  }

  is(subject: string | undefined): void {
    if (subject === this.#subject) return;
    this.#subject = subject;
    const hash = subject ? this.#make(subject) : undefined;
    this.#hash = hash;
    void hash?.then((made) => {
      if (this.#hash === hash) this.#hash = made;
    });
  }

  /** Calls `use` with the hash of who it is now: at once if it is known, else when the promise resolves. */
  hand(use: (hash: string | undefined) => void): Promise<void> | undefined {
    if (this.#hash instanceof Promise) return this.#hash.then(use);
    use(this.#hash);
    return undefined;
  }

  async #make(subject: string): Promise<string | undefined> {
    try {
      return await hashOf(subject, this.#salt);
    } catch (error) {
      this.#failed(error);
      return undefined;
    }
  }
}
