export type { HotKey } from './hot-keys.js';
export { NewReplayHandler, type ReplayerConfig } from './replay-handler.js';
export { type Traffic, watchTraffic } from './traffic.js';
export { NewVerifyHandler, type VerifiedTable, type VerifierConfig } from './verify-handler.js';
