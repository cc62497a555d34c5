export { iamAuthentication } from './iam/index.js';
