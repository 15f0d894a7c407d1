import { checkPosition, type Dataset, type Sample } from './dataset.js';
import type { Portable, Recipe } from './loader/recipe.js';

/** The samples of an array, such as small sets of a program's own. */
export class ArrayDataset implements Dataset, Portable {
  readonly #samples: readonly Sample[];

  constructor(samples: readonly Sample[]) {
    this.#samples = samples;
  }

  get length(): number {
    return this.#samples.length;
  }

  get(index: number): Sample {
    checkPosition('ArrayDataset.get', index, this.length);
    return this.#samples[index];
  }

  recipe(): Recipe {
    return { module: import.meta.url, name: 'ArrayDataset', arguments: [this.#samples] };
  }
}
