/** What the tests' own tools need of Node, which a page does not have. Import it before them. */
import { setImmediate } from 'node:timers';

Object.assign(globalThis, { setImmediate });
