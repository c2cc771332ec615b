/** Everything public of `axios-token-refresh/reporters`. */
export {
  openTelemetryReporter,
  type Attributes,
  type OpenTelemetryReporterOptions,
  type SpanLike,
  type TracerLike,
} from './opentelemetry.js';
export type { CounterLike, HistogramLike, MeterLike } from './instruments.js';
export { pinoReporter, type StructuredLogger } from './pino.js';
export { posthogReporter, type PostHogLike, type PostHogReporterOptions } from './posthog.js';
export type { Reported, Reporter } from './reporter.js';
export { sentryReporter, type SentryLike } from './sentry.js';
