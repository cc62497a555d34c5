import { NewVerifyHandler } from './operate/verify-handler.js';

export const handler = NewVerifyHandler();
