import { readFileSync } from 'node:fs';

const KIB_PER_MIB = 1024;

/**
 * Most resident memory this process ever had, in MiB. On Linux from /proc: getrusage's ru_maxrss begins at what the parent
 * had when it forked.
 */
export function peakResident() {
  try {
    return Number(/^VmHWM:\s*(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))[1]) / KIB_PER_MIB;
  } catch {
    return process.resourceUsage().maxRSS / KIB_PER_MIB;
  }
}
