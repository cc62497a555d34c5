import fc from 'fast-check';

/**
 * The same random inputs in every run, so that a run fails because of a change and not by chance. A failure prints its
 * path; other inputs are looked for by `npm run proof:fuzz`.
 */
fc.configureGlobal({ seed: 20_261_126 });
