/** Everything public of `axios-token-refresh/reporters`. */
export type { Reported, Reporter } from '../core/reporting.js';
export { openTelemetryReporter, type OpenTelemetryReporterOptions } from './opentelemetry.js';
export type { Attributes, CounterLike, HistogramLike, MeterLike } from './instruments.js';
export type { SpanLike, TracerLike } from './spans.js';
export { pinoReporter, type StructuredLogger } from './pino.js';
export { posthogReporter, type PostHogLike, type PostHogReporterOptions } from './posthog.js';
export { sentryReporter, type SentryLike } from './sentry.js';
export { httpAudit, type HttpAudit, type HttpAuditOptions, type HttpAuditRequest } from './http-audit.js';
export type { AuditFault, AuditOutcome, AuditRecord } from '../core/audit.js';
