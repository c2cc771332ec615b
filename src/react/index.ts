/** Everything public of `axios-token-refresh/react`. */
export { useTokenSession } from './use-token-session.js';
export type { TokenSessionView } from './view.js';
