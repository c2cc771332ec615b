/** Schedules in words, for whoever has to understand a failure. */
import type { Outcome } from './outcomes.js';
import type { RequestStep, Schedule, Step } from './schedules.js';

function numbered(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [title, ...lines.map((line, index) => `  ${String(index + 1)}. ${line}`)];
}

function describeRequest({ instance, body, text, apiMs, judged, ...rest }: RequestStep): string {
  const { timeoutMs, abortMs, slowMs, together } = rest;
  return [
    `a request by the ${instance} instance`,
    body === 'none' ? '' : `with the body ${body} ${JSON.stringify(text)}`,
    slowMs > 0 ? `held up for ${String(slowMs)} ms by the app's interceptor` : '',
    `answered after ${String(apiMs)} ms`,
    judged === 'never' ? 'with 401 whatever its token' : `by its token when ${judged}`,
    timeoutMs === undefined ? '' : `its timeout ${String(timeoutMs)} ms`,
    abortMs === undefined ? '' : `aborted after ${String(abortMs)} ms`,
    together ? 'a request after it in the same tick' : '',
  ]
    .filter((part) => part !== '')
    .join(', ');
}

function describeStep(step: Step): string {
  switch (step.kind) {
    case 'request':
      return describeRequest(step);
    case 'advance':
      return `${String(step.ms)} ms pass`;
    case 'sleep':
      return `the machine sleeps for ${String(step.ms)} ms`;
    case 'set-clock':
      return `the wall clock is set ${step.ms < 0 ? 'back' : 'forward'} by ${String(Math.abs(step.ms))} ms`;
    case 'sign-in':
      return `${step.user} signs in${step.dead ? ', with an access token that has expired' : ''}`;
    case 'sign-out':
      return 'signOut()';
    case 'revoke':
      return 'the API revokes the token that it saw last';
    case 'refresh':
      return 'refresh()';
    case 'token':
      return 'getAccessToken()';
  }
}

function describeOutcome({ kind, delayMs, retryAfter }: Outcome): string {
  const asked = kind === 'throttled' ? ` (Retry-After: ${retryAfter})` : '';
  return kind === 'hang' ? kind : `${kind}${asked} after ${String(delayMs)} ms`;
}

export function describeSchedule({ setup, outcomes, steps }: Schedule): string {
  return [
    'setup',
    ...Object.entries(setup).map(([name, value]) => `  ${name}: ${JSON.stringify(value)}`),
    ...numbered('calls of the refresh callback (those after the last succeed)', outcomes.map(describeOutcome)),
    ...numbered('steps', ['ada signs in', ...steps.map(describeStep)]),
  ].join('\n');
}
