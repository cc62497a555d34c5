export type { MonitoringOptions } from './alarms.js';
export type {
  CacheOptions,
  ExistingCache,
  IamAuthentication,
  NodeCache,
  ServerlessCache,
} from './cache.js';
export type { CommonSettings } from './environment.js';
export type { FailureOptions } from './failure-bucket.js';
export type { HandlerOptions } from './handler.js';
export type { MappingOptions } from './mapping.js';
export { StreamCache, type StreamCacheProps } from './stream-cache.js';
export type { TableOptions } from './table.js';
