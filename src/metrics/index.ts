export { DEFAULT_SERVICE } from '../environment.js';
export {
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
