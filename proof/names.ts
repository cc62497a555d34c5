export const OURS = 'dynamodb-stream-cache';
export const OURS_ON_CAS = 'dynamodb-stream-cache on compare-and-set';

/** The systems that promise. */
export const PROMISING: readonly string[] = [OURS, OURS_ON_CAS];
