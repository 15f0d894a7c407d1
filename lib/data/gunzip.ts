import { promisify } from 'node:util';
import zlib from 'node:zlib';

/** Unpacks the bytes of a gzip file, off the event loop: archives of datasets take seconds. */
export const gunzip = promisify(zlib.gunzip);
