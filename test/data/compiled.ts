import type * as data from '../../lib/data/index.js';
import type * as core from '../../lib/index.js';
import { type CompiledPackage, compilePackage } from '../compiled.js';

/** The package compiled, since worker threads run what is compiled, and its modules imported from there. */
export async function compiledModules(): Promise<{
  compiled: CompiledPackage;
  core: typeof core;
  data: typeof data;
}> {
  const compiled = compilePackage();
  const load = (module: string) => import(/* @vite-ignore */ compiled.url(module));
  return { compiled, core: await load('index.js'), data: await load('data/index.js') };
}
