export { momentoStore } from './store/momento/index.js';
