// Datasets and transforms of a user's own, for worker threads: what they do with a sample is named by `deeds`.
import { threadId } from 'node:worker_threads';

/** @param address of the package's index, which the test has compiled somewhere */
export async function samples(address, count, deeds = {}) {
  const { tensor } = await import(address);
  return new Samples(tensor, address, count, deeds);
}

class Samples {
  constructor(tensor, address, length, deeds) {
    Object.assign(this, { tensor, address, length, deeds });
  }

  async get(index) {
    const deed = this.deeds[index];
    if (deed === 'throw') throw Object.assign(new RangeError('out of luck'), { code: 'ERR_LUCK' });
    if (deed === 'exit') process.exit(3);
    if (deed === 'die')
      setImmediate(() => {
        throw new Error('a stray failure');
      });
    if (deed) await new Promise((resolve) => setTimeout(resolve, 100));
    return { image: this.tensor([[[index, this.deeds.tellThread ? threadId : 0]]]), label: index };
  }

  source(index) {
    return `sample-${index}.bin`;
  }

  recipe() {
    return { module: import.meta.url, name: 'samples', arguments: [this.address, this.length, this.deeds] };
  }
}

/** Adds a number that follows from the generator. */
export class Noise {
  constructor(amount) {
    this.amount = amount;
  }

  apply(image, generator) {
    return image.add(image.mul(0).add(Math.fround(generator.uniform(0, this.amount))));
  }

  recipe() {
    return { module: import.meta.url, name: 'Noise', arguments: [this.amount] };
  }
}

export class Unknown {
  apply(image) {
    return image;
  }

  recipe() {
    return { module: import.meta.url, name: 'NotExported', arguments: [] };
  }
}

export class Elsewhere {
  apply(image) {
    return image;
  }

  recipe() {
    return { module: new URL('./no-such-module.mjs', import.meta.url).href, name: 'Elsewhere', arguments: [] };
  }
}

/** Makes inputs their own targets, as an autoencoder wants them. */
export class Itself {
  applyBatch([x]) {
    return [x, x];
  }

  recipe() {
    return { module: import.meta.url, name: 'Itself', arguments: [] };
  }
}

/** Gives every batch the same targets, a tensor that it keeps. */
export class Always {
  constructor(targets) {
    this.targets = targets;
  }

  applyBatch([x]) {
    return [x, this.targets];
  }

  recipe() {
    return { module: import.meta.url, name: 'Always', arguments: [this.targets] };
  }
}
