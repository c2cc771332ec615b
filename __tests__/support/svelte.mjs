/** Compiles the components of Svelte for Jest. */
import { transformSync } from '@swc/core';
import { compile } from 'svelte/compiler';

export default {
  process(source) {
    return transformSync(compile(source, { generate: 'client' }).js.code, { module: { type: 'commonjs' } });
  },
};
