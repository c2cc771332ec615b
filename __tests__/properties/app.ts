/** What an app puts on its instances before the session comes: interceptors of its own. */
import { isAxiosError, type AxiosInstance } from 'axios';
import type { Traffic } from './traffic.js';

export function addInterceptors(instance: AxiosInstance, traffic: () => Traffic): void {
  const { request, response } = instance.interceptors;
  request.use(
    (config) => {
      traffic().saw(config, 'out');
      return config;
    },
    undefined,
    { synchronous: true },
  );
  request.use((config) => traffic().outbound(config), undefined, { runWhen: (config) => traffic().isSlow(config) });
  response.use(
    (answer) => {
      traffic().saw(answer.config, 'back');
      return answer;
    },
    (error: unknown) => {
      if (isAxiosError(error) && error.response) traffic().saw(error.response.config, 'back');
      throw error;
    },
  );
}
