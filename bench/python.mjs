import { spawnSync } from 'node:child_process';

/**
 * A Python 3 that has a module, as { python, version } with the module's version: what PYTHON names, or the first found.
 *
 * @throws with what to install where there is none
 */
export function findPython(module, install) {
  const candidates = [process.env.PYTHON, 'python3', '/usr/bin/python3'].filter(Boolean);
  for (const python of candidates) {
    const program = `import ${module}; print(${module}.__version__)`;
    const { status, stdout } = spawnSync(python, ['-c', program], { encoding: 'utf8' });
    if (status === 0) return { python, version: stdout.trim() };
  }
  throw new Error(`no Python 3 has ${module} (${install}); tried ${candidates.join(', ')}`);
}
