/** Events as structured log records. */
import { expectMethods, listen, type Reporter } from '../core/reporting.js';
import { fieldsOf, severityOf } from './fields.js';

/** A pino logger, or any other that takes an object and a message. */
export interface StructuredLogger {
  info(fields: object, message: string): unknown;
  warn(fields: object, message: string): unknown;
  error(fields: object, message: string): unknown;
}

/**
 * One structured record per event: its fields under `auth`, its name as the message, by severity `error` (an
 * escalation, the end of a session, a listener that threw), `warn` (a failure, a retry, a session that is ending, a clock
 * or a store that is off) or `info` (the rest). No token is in any of them.
 *
 * @throws {TypeError} if the logger lacks one of the three methods
 * @example
 * const stop = pinoReporter(logger)(session);
 */
export function pinoReporter(logger: StructuredLogger): Reporter {
  expectMethods('pinoReporter', 'a logger', logger, ['info', 'warn', 'error']);
  return (session) => listen(session, (event) => logger[severityOf(event)]({ auth: fieldsOf(event) }, event.type));
}
