export { memcachedStore } from './store/memcached/index.js';
