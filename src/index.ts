export type { AttributeMap, AttributeValue } from './attributes.js';
export { decode, encode } from './codec.js';
export type { Rules } from './coherence.js';
export { CacheError, ConfigError, EncodeError, EventError, KeyError, StreamCacheError } from './errors.js';
export { filterCriteriaOf, type ItemRule } from './item-rules.js';
export { itemKey, keyPart } from './key.js';
export type {
  DeclaredIndex,
  DeclaredTable,
  Mode,
  StreamCacheConfig,
  StreamCacheLogger,
  TableConfig,
  TtlSeconds,
} from './options.js';
export type { CacheMetadata } from './read/answer.js';
export { type CachingMiddleware, NewCachingMiddleware } from './read/middleware.js';
export type { ReaderMode } from './reader-switch.js';
export {
  type AttachedReport,
  type BatchReport,
  type BreakerReport,
  type CacheFailureReport,
  type FillReport,
  type InvalidatedReport,
  type LeftAloneReport,
  type LookupReport,
  type PoisonReport,
  REPORT_CHANNEL,
  type ReaderModeReport,
  type RecordOutcome,
  type RecordReport,
  type Report,
  type ShadowReport,
  type StrongReadReport,
  type UncertainReport,
  type UndecodableReport,
  type VoidReport,
} from './report.js';
export { memoryStore } from './store/memory.js';
export type {
  ApplyOutcome,
  Begun,
  CacheStore,
  CallOptions,
  Fill,
  FillOutcome,
  Lease,
  Result,
  Settled,
  StoreChange,
} from './store/store.js';
export { NewStreamCacheHandler, type StreamCacheHandler, type StreamEvent } from './stream/handler.js';
export type { StreamRecord } from './stream-record.js';
