import { Port } from 'aws-cdk-lib/aws-ec2';

/** The port of Valkey and Redis. */
export const CACHE_PORT = 6379;

export const MEMCACHED_PORT = 11_211;

/** Serverless caches answer reads for replicas on 6380, which a cluster's client may ask for the slots. */
export const SERVERLESS_PORTS = Port.tcpRange(CACHE_PORT, 6380);
