/** What helps against a cache's refusal or silence, by what it said; the first that fits. */
export function remedyOf(message: string): string {
  return REMEDIES.find(([said]) => said.test(message))?.[1] ?? UNREACHED;
}

/** Redis says it in other words where a script meets the command. */
export function isNotPermitted(message: string): boolean {
  return NOT_PERMITTED.test(message);
}

const NOT_PERMITTED = /NOPERM|can't run this command|No permissions/i;

const UNREACHED = 'Check the host and port, the security groups and subnets, and TLS.';

const REMEDIES: readonly (readonly [said: RegExp, remedy: string])[] = [
  [
    /CLUSTERDOWN|Cluster redirections|have no slots/,
    'Some slots are served by nobody: CLUSTER NODES names the server that is gone. Bring it back, or let a replica take over.',
  ],
  [/MOVED|one of \d+ servers of a cluster/, 'End the URL in ?cluster, in the function and in all readers.'],
  [/cluster support disabled/, 'It is no cluster: take ?cluster off the URL.'],
  [
    /WRONGPASS|NOAUTH|AUTH failed/i,
    'Correct the user and the password in the URL, where @ is %40 and : is %3A.',
  ],
  [
    NOT_PERMITTED,
    'Give the user what docs/deploy.md lists for caches of your own: the commands of all steps, and all keys of the namespace.',
  ],
  [
    /is full|\bOOM\b|object too large/,
    'Give it memory, or hold less: a shorter ttlSeconds, fewer tables (docs/sizing.md). Or let it evict: volatile-lru.',
  ],
  [/READONLY/, 'It is a replica: name the primary, or the cluster with ?cluster.'],
  [/LOADING|BUSY|MASTERDOWN|TRYAGAIN/, 'It is not ready yet: try again in a minute.'],
];
