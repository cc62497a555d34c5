export {
  DEFAULT_SERVICE,
  METRIC_DIMENSIONS,
  METRIC_NAMESPACE,
  METRICS,
  type MetricName,
} from './names.js';
export {
  type MetricsOptions,
  type PublishedMetrics,
  type PublishOptions,
  publishMetrics,
  withMetrics,
} from './publish.js';
