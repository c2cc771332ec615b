/** For `npx vite examples/react`: the page as it is being edited, with the back end in the same process. */
import { defineConfig } from 'vite';
import { createBackEnd } from './server/back-end.js';

const backEnd = createBackEnd();

export default defineConfig({
  plugins: [
    {
      name: 'back-end',
      configureServer: ({ middlewares }) => {
        middlewares.use((request, response, next) => {
          if (!backEnd(request, response)) next();
        });
      },
    },
  ],
});
