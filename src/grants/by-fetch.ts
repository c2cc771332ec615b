/** The platform's own client, for questions that are asked outside of a refresh. */
import type { GrantAnswer, GrantRequest } from './request.js';

/** Sends a request; rejects for any answer but a success, as Axios does. Redirects are not followed. */
export async function sendByFetch(request: GrantRequest, signal: AbortSignal): Promise<GrantAnswer> {
  const response = await fetch(request.url, { ...request, redirect: 'manual', signal });
  const answer: GrantAnswer = { data: await response.text(), headers: response.headers };
  if (response.ok) return answer;
  throw Object.assign(new Error('The request was refused.'), { response: { ...answer, status: response.status } });
}
