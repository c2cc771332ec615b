import { describe, expect, test } from '@jest/globals';
import { memoryStore } from '../../src/index.js';
import { stage } from '../support/stage.js';

// What a page keeps, or rather does not, is told in browser/storage.test.ts.
describe('G25 memory by default', () => {
  test('a session that ends takes its tokens with it: the next one starts from nothing', async () => {
    const first = stage(({ issue }) => ({ tokens: issue() }));
    await first.api.instance.get('/orders');
    await first.session.refresh();
    first.session.dispose();
    const second = stage();
    expect(second.session.status).toBe('signed-out');
    await second.api.instance.get('/orders');
    expect(second.api.seen.map(({ token }) => token)).toStrictEqual([undefined]);
  });

  test('two sessions of one process know nothing of each other', async () => {
    const [one, two] = [stage(() => ({ tokens: 'one' })), stage(() => ({ tokens: 'two' }))];
    await one.session.signOut();
    await Promise.all([one.api.instance.get('/orders'), two.api.instance.get('/orders')]);
    expect([one, two].map(({ api }) => api.seen.map(({ token }) => token))).toStrictEqual([[undefined], ['two']]);
  });

  test('one memoryStore given to two sessions outlives the first: that was chosen', async () => {
    const store = memoryStore();
    const first = stage(() => ({ store }));
    await first.session.setTokens('abc');
    first.session.dispose();
    const second = stage(() => ({ store }));
    expect(await second.session.getAccessToken()).toBe('abc');
    await second.session.signOut();
    expect(await store.load()).toBeUndefined();
  });

  test('a session that is disposed of leaves a store as it is: only a sign-out empties it', async () => {
    const store = memoryStore();
    const s = stage(() => ({ store }));
    await s.session.setTokens('abc');
    s.session.dispose();
    expect(await store.load()).toMatchObject({ accessToken: 'abc' });
  });
});
