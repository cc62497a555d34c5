// Stands in for the modules that a browser does not have, and the simulation does not come by: what is called of them throws.

function missing(): never {
  throw new Error('A browser does not have this.');
}

/** Reports are published to nobody. */
export default { channel: () => ({ hasSubscribers: false, publish() {} }) };
/** The scripts for Redis get names that nobody asks for. */
export const createHash = () => ({ update: () => ({ digest: () => '' }) });
export const types = {
  isProxy: () => false,
  isUint8Array: (value: unknown) => value instanceof Uint8Array,
};
/** Of requests, which are JSON. */
export const isDeepStrictEqual = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);
export const randomBytes = missing;
export const randomUUID = missing;
export const Logger = missing;
export const Redis = missing;
export const Cluster = missing;
