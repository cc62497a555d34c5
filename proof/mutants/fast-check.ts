import fc from 'fast-check';

/** That something fails is enough to know here; the smallest example of it takes long to find. */
fc.configureGlobal({ ...fc.readConfigureGlobal(), endOnFailure: true });
