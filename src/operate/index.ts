export type { HotKey } from './hot-keys.js';
export { type Traffic, watchTraffic } from './traffic.js';
export { NewVerifyHandler, type VerifiedTable, type VerifierConfig } from './verify-handler.js';
