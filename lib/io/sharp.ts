import { NativeError } from '../errors.js';

type Sharp = typeof import('sharp')['default'];

/**
 * The image library, loaded when the first picture is read or written: it brings native code of its own, which programs
 * that only compute should neither wait for nor need.
 *
 * @throws NativeError when the package is not installed or has no build for this platform
 */
export async function loadSharp(): Promise<Sharp> {
  try {
    return (await import('sharp')).default;
  } catch (error) {
    const [reason] = String(error instanceof Error ? error.message : error)
      .trim()
      .split('\n');
    throw new NativeError(
      `images are read and written by the package sharp, which cannot be loaded: ${reason.replace(/\.$/, '')}. ` +
        "Install it for this platform with 'npm install sharp'.",
      { cause: error },
    );
  }
}
