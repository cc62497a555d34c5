import type { Cluster, Redis } from 'ioredis';

/** A client of one server, or of a cluster. */
export type RedisClient = Redis | Cluster;
