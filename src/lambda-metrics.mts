export { withMetrics } from './metrics/index.js';
