/** Everything public of `axios-token-refresh/messages`. */
export { describeError } from './describe.js';
export { english } from './english.js';
export type { ErrorDescription } from './describe.js';
export type { DescribedCode, ErrorMessages, SuggestedAction } from './words.js';
