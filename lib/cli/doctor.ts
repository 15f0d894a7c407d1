import { Command } from 'commander';
import type { BackendInfo } from '../backend/backend.js';
import { glibcVersion } from '../backend/libc.js';
import { version } from '../version.js';

/** `convforge doctor`: what runs here, and what to do where it is not the native build. */
export function doctorCommand(): Command {
  return new Command('doctor')
    .description('tell which backend runs on this machine, and why')
    .action(async () => console.log((await diagnosis()).join('\n')));
}

async function diagnosis(): Promise<string[]> {
  return [
    row('convforge', version),
    row('node', `${process.version}, Node-API ${process.versions.napi}`),
    row('platform', [process.platform, process.arch, ...libc()].join(', ')),
    ...(await backend()),
    row('images', await images()),
  ];
}

function row(name: string, value: string): string {
  return `${name.padEnd(10)} ${value}`;
}

/** The C library matters on Linux only, where a build for one does not load on the other. */
function libc(): string[] {
  if (process.platform !== 'linux') return [];
  const version = glibcVersion();
  return [version ? `glibc ${version}` : 'musl'];
}

async function backend(): Promise<string[]> {
  const { availableIsas, backendInfo } = await import('../backend/backend.js');
  let info: BackendInfo;
  try {
    info = backendInfo();
  } catch (error) {
    // The environment demands what cannot be had: that is a finding, not a failure of this command.
    return [row('backend', 'none'), row('because', (error as Error).message), row('what to do', remedy())];
  }
  const { isa, threads, reasons } = info;
  if (info.backend === 'native') {
    return [
      row('backend', `native, ${isa}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`),
      row('available', availableIsas().join(', ')),
    ];
  }
  return [
    row('backend', 'TypeScript: everything works, many times slower than native'),
    ...reasons.map((reason) => row('because', reason)),
    row('what to do', remedy()),
  ];
}

function remedy(): string {
  if (process.env.CONVFORGE_BACKEND === 'typescript') return 'unset CONVFORGE_BACKEND to use the native build';
  if (process.env.CONVFORGE_NATIVE_PATH) return 'unset CONVFORGE_NATIVE_PATH, or let it name a build for this platform';
  return "reinstall the package on this platform, or in a checkout build it with 'npm run build:native'";
}

async function images(): Promise<string> {
  const { loadSharp } = await import('../io/sharp.js');
  try {
    const { versions } = await loadSharp();
    return `sharp ${versions.sharp}, libvips ${versions.vips}`;
  } catch (error) {
    return (error as Error).message;
  }
}
