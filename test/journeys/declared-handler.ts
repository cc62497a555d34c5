import { NewStreamCacheHandler } from '../../src/index.js';
import { ORDERS } from './orders.js';

/** A function of one's own that says what the environment cannot: where the table's queries read. */
export const handler = NewStreamCacheHandler({ tables: { [process.env.ORDERS_TABLE ?? '']: ORDERS } });
