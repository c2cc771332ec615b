/** What a user is told of an error: of the session by `describeError`, of the network by the application itself. */
import { isAxiosError } from 'axios';
import { describeError } from 'axios-token-refresh/messages';

export function sentenceFor(error: unknown): string {
  const isUnanswered = isAxiosError(error) && error.code === 'ERR_NETWORK';
  return isUnanswered ? 'There is no connection.' : describeError(error).message;
}
