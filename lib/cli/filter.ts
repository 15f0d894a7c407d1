import { parse } from 'node:path';
import { Command, Option } from 'commander';
import { ArgumentError, check } from '../errors.js';
import type { Tensor } from '../tensor.js';
import { BORDERS, type Border } from '../vision/border.js';
import { isKernel, type Kernel, type KernelName, kernels } from '../vision/kernels.js';
import { finite } from './options.js';

interface FilterFlags {
  kernel: string;
  border?: Border;
  value?: number;
  gray?: true;
  output?: string;
}

/** `convforge filter`: slides a kernel over a picture. */
export function filterCommand(): Command {
  return new Command('filter')
    .description('slide a kernel over a picture: blur, sharpen, find edges, or a kernel of your own')
    .argument('<image>', 'picture to filter')
    .requiredOption(
      '-k, --kernel <kernel>',
      `${Object.keys(kernels).join(', ')}; or rows of numbers such as "[[0,1],[1,0]]", or a .json file of them`,
    )
    .addOption(new Option('-b, --border <border>', 'what lies beyond the edge (default: reflect)').choices(BORDERS))
    .option('--value <number>', 'value of the constant border, 0 is black and 1 is white', finite)
    .option('--gray', 'filter the luminance only')
    .option('-o, --output <file>', 'picture to write: .png, .jpg or .webp (default: <image>-<kernel>.png here)')
    .action(filterImage);
}

async function filterImage(path: string, { kernel: given, border, value, gray, output }: FilterFlags): Promise<void> {
  const { filter2d, readImage, writeImage } = await import('../vision/index.js');
  const kernel = await resolveKernel(given);
  const target = output ?? `${parse(path).name}-${typeof kernel === 'string' ? kernel : 'filtered'}.png`;
  const image = await readImage(path, { mode: gray ? 'gray' : 'rgb' });
  const filtered = filter2d(image, kernel, { border, value });
  await writeImage(filtered, target);
  const rows = typeof kernel === 'string' ? kernels[kernel] : kernel;
  const name = typeof kernel === 'string' ? `kernel ${kernel}, ` : 'a kernel of ';
  console.log(
    `${target}: ${name}${rows.length}×${rows[0].length}, border ${border ?? 'reflect'}${clippedNote(filtered)}`,
  );
}

/** A name, rows of numbers as JSON, or a JSON file of them. */
async function resolveKernel(given: string): Promise<KernelName | Kernel> {
  if (Object.hasOwn(kernels, given)) return given as KernelName;
  const isInline = given.trimStart().startsWith('[');
  const isFile = given.toLowerCase().endsWith('.json');
  check(
    isInline || isFile,
    '--kernel',
    () =>
      `must be one of ${Object.keys(kernels).join(', ')}, rows such as "[[0,1],[1,0]]" or a .json file, got '${given}'`,
    ArgumentError,
  );
  const { readBytes } = await import('../io/files.js');
  const rows = parseJson(isInline ? given : (await readBytes('--kernel', given)).toString('utf8'));
  check(
    isKernel(rows),
    '--kernel',
    () => `${given} must be JSON of at least one row, all rows of the same length, of numbers`,
    ArgumentError,
  );
  return rows;
}

/** undefined for what is no JSON, which is no kernel either. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Kernels that measure change give negative values, and a picture cannot show them: it should not go unsaid. */
function clippedNote(image: Tensor<'float32'>): string {
  const half = 0.5 / 255;
  const clipped = image.data.reduce((count, v) => (v < -half || v > 1 + half ? count + 1 : count), 0);
  const share = (100 * clipped) / image.size;
  return clipped
    ? `; ${share < 0.1 ? '< 0.1' : share.toFixed(1)} % of the values lay outside 0..1 and were clipped`
    : '';
}
