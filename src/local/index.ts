export type { DiscardCondition } from './batch.js';
export type { InvocationRecord } from './destination.js';
export { LocalEventSourceMapping } from './event-source-mapping.js';
export type { FilterCriteria } from './filter.js';
export { FunctionTimeoutError, type StreamHandler } from './invoke.js';
export type { LocalEventSourceMappingOptions } from './options.js';
export type {
  DestinationFailedReport,
  DiscardedReport,
  InvokedReport,
  IteratorReport,
  LocalReport,
  ShardReport,
  SourceFailedReport,
  StartedReport,
  StoppedReport,
} from './report.js';
export type { StreamsClient } from './source.js';
export { StreamError } from './stream-error.js';
