/** AES-256-GCM over what a record holds. */

const ivBytes = 12;

export class Seal {
  /** The first one seals, each of them opens. */
  readonly #keys: readonly (CryptoKey | Promise<CryptoKey>)[];
  /** What a sealed text belongs to: it opens nowhere else. */
  readonly #context: Uint8Array<ArrayBuffer>;

  constructor(keys: readonly (Uint8Array<ArrayBuffer> | CryptoKey)[], context: string) {
    this.#keys = keys.map((key) => (key instanceof Uint8Array ? importKey(key) : key));
    this.#context = new TextEncoder().encode(context);
  }

  async close(text: string): Promise<string> {
    const [key] = this.#keys;
    if (!key) throw new RangeError('There is no key.');
    const iv = crypto.getRandomValues(new Uint8Array(ivBytes));
    const sealed = await crypto.subtle.encrypt(this.#algorithm(iv), await key, new TextEncoder().encode(text));
    return Buffer.concat([iv, new Uint8Array(sealed)]).toString('base64');
  }

  /** The text, or `undefined` if none of the keys fits. */
  async open(sealed: string): Promise<string | undefined> {
    const bytes = Uint8Array.from(Buffer.from(sealed, 'base64'));
    const [iv, rest] = [bytes.slice(0, ivBytes), bytes.slice(ivBytes)];
    for (const key of this.#keys) {
      try {
        return new TextDecoder().decode(await crypto.subtle.decrypt(this.#algorithm(iv), await key, rest));
      } catch {
        // The next one may be the one that it was sealed with.
      }
    }
    return undefined;
  }

  #algorithm(iv: Uint8Array<ArrayBuffer>): AesGcmParams {
    return { name: 'AES-GCM', iv, additionalData: this.#context };
  }
}

function importKey(key: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  return crypto.subtle.importKey('raw', key, 'AES-GCM', false, ['encrypt', 'decrypt']);
}
