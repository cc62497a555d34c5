export type { AwsCredentials } from '../environment.js';
export type { Authentication } from '../store/redis/connection.js';
export { iamAuthentication } from './authentication.js';
export type { IamOptions } from './target.js';
export { type IamCache, iamToken } from './token.js';
