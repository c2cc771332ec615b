/** Events as structured log records. */
import { fieldsOf, listen, severityOf, type Reporter } from './reporter.js';

/** A pino logger, or any other that takes an object and a message. */
export interface StructuredLogger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/**
 * One structured record per event: its fields under `auth`, its name as the message, by severity `error` (an
 * escalation, the end of a session, a listener that threw), `warn` (a failure, a retry, a clock or a store that is off)
 * or `info` (the rest). No token is in any of them.
 *
 * @example
 * const stop = pinoReporter(logger)(session);
 */
export function pinoReporter(logger: StructuredLogger): Reporter {
  return (session) =>
    listen(session, (event) => {
      logger[severityOf(event)]({ auth: fieldsOf(event) }, event.type);
    });
}
