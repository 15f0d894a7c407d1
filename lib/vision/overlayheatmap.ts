import { checkFloat } from '../dtype.js';
import { ArgumentError, check } from '../errors.js';
import { floats } from '../ops/op.js';
import { formatShape } from '../shape.js';
import { Tensor } from '../tensor.js';
import { drawBox } from './box.js';
import {
  type Colormap,
  type ColormapName,
  colorAt,
  extent,
  type Rgb,
  resolveColormap,
  resolveRange,
  type ValueRange,
} from './colormap.js';
import type { Peak } from './findpeaks.js';

/** Options of {@link overlayHeatmap}. */
export interface OverlayOptions {
  /** How much of the scene the highest scores cover, 0..1. Default 0.95. */
  opacity?: number;
  /** Colours of the scores. Default 'heat'. */
  colormap?: ColormapName | Colormap;
  /** Scores of the first and the last colour. Default: the least and the greatest in the map. */
  range?: ValueRange;
  /** Peaks to draw a box around, the size of the window that was slid over the scene. Default none. */
  peaks?: readonly Peak[];
}

const BOX_COLOR: Rgb = [1, 1, 1];
/** The scene is dimmed, so that high scores glow even on a bright sky. */
const SCENE_LIGHT = 0.8;

/**
 * Lays a map of scores over the scene it was made from: scene [3, h, w], [1, h, w] or [h, w] with values in 0..1, map
 * [oh, ow] of all positions of a window of (h − oh + 1)×(w − ow + 1), such as {@link matchTemplate} gives → picture
 * [3, h, w].
 *
 * Each score is shown at the middle of its window; along the edge, where no window has its middle, the picture is as for
 * the lowest score, or for 0 with a diverging colormap. The scene is shown in dimmed grey, so that all colour is the
 * map's, and shines through the more the lower the score is, or the nearer to 0.
 *
 * @throws ShapeError when the map is larger than the scene or axes are missing; ArgumentError for options out of range
 * @example
 * const map = matchTemplate(scene, template);
 * await writeImage(overlayHeatmap(scene, map, { peaks: findPeaks(map), range: [0, 1] }), 'match.png');
 */
export function overlayHeatmap(scene: Tensor, map: Tensor, options: OverlayOptions = {}): Tensor<'float32'> {
  const { opacity = 0.95, peaks = [] } = options;
  checkFloat('overlayHeatmap', scene);
  checkFloat('overlayHeatmap', map);
  const [c, h, w] = scene.rank === 2 ? [1, ...scene.shape] : scene.shape;
  check(
    (scene.rank === 2 || scene.rank === 3) && (c === 1 || c === 3),
    'overlayHeatmap',
    () => `scene must be [3, h, w], [1, h, w] or [h, w], got ${formatShape(scene.shape)}`,
  );
  const [oh, ow] = map.shape;
  check(
    map.rank === 2 && map.size > 0 && oh <= h && ow <= w,
    'overlayHeatmap',
    () =>
      `map must be [oh, ow], not empty and not larger than the scene, got ${formatShape(map.shape)} for a scene of ${h}×${w}`,
  );
  check(
    opacity >= 0 && opacity <= 1,
    'overlayHeatmap',
    () => `opacity must be a number from 0 to 1, got ${opacity}`,
    ArgumentError,
  );
  const colors = resolveColormap('overlayHeatmap', options.colormap ?? 'heat');
  const range = resolveRange('overlayHeatmap', options.range ?? extent([map]), colors);
  const silent = colors.diverging ? 0 : range[0];
  const [windowH, windowW] = [h - oh + 1, w - ow + 1];
  const [top, left] = [Math.floor((windowH - 1) / 2), Math.floor((windowW - 1) / 2)];
  const picture = new Tensor('float32', new Float32Array(3 * h * w), [3, h, w]);
  const [from, scores, to] = [floats(scene), floats(map), floats(picture)];
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      const at = y * w + x;
      const [i, j] = [y - top, x - left];
      const score = i >= 0 && i < oh && j >= 0 && j < ow ? scores[i * ow + j] : silent;
      const color = colorAt(colors, range, score);
      const alpha = opacity * strength(score, range, colors.diverging);
      const gray = c === 1 ? from[at] : 0.299 * from[at] + 0.587 * from[h * w + at] + 0.114 * from[2 * h * w + at];
      for (let k = 0; k < 3; k++) to[k * h * w + at] = (1 - alpha) * SCENE_LIGHT * gray + alpha * color[k];
    }
  }
  for (const { row, column } of peaks) drawBox(picture, { row, column, height: windowH, width: windowW }, BOX_COLOR);
  return picture;
}

/**
 * How much of the colour is laid on, 0..1, by the score's place in the range, or its distance from 0 for signed scores.
 * It grows faster than the score, as in most maps middling scores are everywhere and would veil the scene.
 */
function strength(score: number, [low, high]: ValueRange, diverging: boolean): number {
  if (!(high > low)) return 0;
  const place = Math.min(1, Math.max(0, (score - low) / (high - low)));
  return (diverging ? Math.abs(2 * place - 1) : place) ** 1.5;
}
