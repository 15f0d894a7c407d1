import { Command, Option } from 'commander';
import type { Peak } from '../vision/findpeaks.js';
import type { MatchMethod } from '../vision/matchtemplate.js';
import { atLeast, finite } from './options.js';

interface MatchFlags {
  method: MatchMethod;
  peaks: number;
  minScore?: number;
  gray?: true;
  output?: string;
  map?: string;
}

/** Below this, correlation coefficients are as often chance as likeness. */
const LIKENESS = 0.5;

/** `convforge match`: looks for a template in a scene. */
export function matchCommand(): Command {
  return new Command('match')
    .description('slide a template over a scene and tell where it fits')
    .argument('<scene>', 'picture to search')
    .argument('<template>', 'picture of what to find')
    .addOption(
      new Option('-m, --method <method>', 'how a window is compared with the template')
        .choices(['zeroMeanNormalized', 'crossCorrelation'])
        .default('zeroMeanNormalized'),
    )
    .option('-p, --peaks <n>', 'how many places to name at most; their windows do not overlap', atLeast(1), 5)
    .option('-s, --min-score <score>', `lowest score to name (default: ${LIKENESS} if normalized, else none)`, finite)
    .option('--gray', 'compare the luminance only')
    .option('-o, --output <file>', 'picture to write: the map laid over the scene, boxes around the places')
    .option('--map <file>', 'picture to write: the map alone')
    .action(match);
}

async function match(scenePath: string, templatePath: string, flags: MatchFlags): Promise<void> {
  const { applyColormap, findPeaks, matchTemplate, overlayHeatmap, readImage, writeImage } = await import(
    '../vision/index.js'
  );
  const mode = flags.gray ? 'gray' : 'rgb';
  const [scene, template] = [await readImage(scenePath, { mode }), await readImage(templatePath, { mode })];
  const isNormalized = flags.method === 'zeroMeanNormalized';
  const map = matchTemplate(scene, template, { method: flags.method });
  const [, th, tw] = template.shape;
  const minimum = flags.minScore ?? (isNormalized ? LIKENESS : undefined);
  const peaks = findPeaks(map, { count: flags.peaks, minimum, distance: [th, tw] });
  console.log(table(peaks, minimum));
  const range = isNormalized ? ([0, 1] as const) : undefined;
  if (flags.output) {
    await writeImage(overlayHeatmap(scene, map, { peaks, range }), flags.output);
    console.log(`${flags.output}: the map laid over the scene`);
  }
  if (flags.map) {
    await writeImage(applyColormap(map, { colormap: 'heat', range }), flags.map);
    console.log(`${flags.map}: the map, ${map.shape[0]} rows by ${map.shape[1]} columns`);
  }
}

/** Rows and columns are those of the window's top left corner. */
function table(peaks: readonly Peak[], minimum: number | undefined): string {
  if (!peaks.length) return `no place scores ${minimum} or more`;
  const lines = peaks.map(({ row, column, score }) => [String(row), String(column), score.toPrecision(4)]);
  return [['row', 'column', 'score'], ...lines]
    .map((cells) => cells.map((cell) => cell.padStart(8)).join(''))
    .join('\n');
}
