import type { Batch } from '../dataset.js';
import type { BatchFeed } from './feed.js';

/** What an iterator tells the loader that made it. */
export interface BatchListener {
  /** Somebody waits for a batch, or no more: meanwhile the process must not end. */
  waiting(isWaiting: boolean): void;
  /** The consumer has received so many batches of this iterator. */
  received(count: number): void;
  /** The consumer knows that there are no more. */
  ended(): void;
}

const DONE: IteratorResult<Batch, undefined> = { done: true, value: undefined };

/** Hands out the batches of a feed, `ahead` of which are in the making beyond the one that is waited for. */
export class BatchIterator implements AsyncIterableIterator<Batch> {
  readonly #feed: BatchFeed;
  readonly #ahead: number;
  readonly #listener: BatchListener;
  readonly #inTheMaking: Promise<Batch | null>[] = [];
  /** Ends of those who wait, for when the iterator is closed. */
  readonly #waiting = new Set<() => void>();
  #received = 0;
  #hasEnded = false;

  constructor(feed: BatchFeed, ahead: number, listener: BatchListener) {
    this.#feed = feed;
    this.#ahead = ahead;
    this.#listener = listener;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Batch, undefined>> {
    if (this.#hasEnded) return DONE;
    this.#fill(this.#ahead + 1);
    const wanted = this.#inTheMaking.shift();
    this.#fill(this.#ahead);
    this.#listener.waiting(true);
    try {
      const batch = wanted ? await this.#orClosed(wanted) : null;
      if (this.#hasEnded) return DONE;
      if (batch) {
        this.#listener.received(++this.#received);
        return { done: false, value: batch };
      }
      this.#end();
      this.#listener.ended();
      return DONE;
    } catch (error) {
      this.#end();
      throw error;
    } finally {
      this.#listener.waiting(false);
    }
  }

  /** Ends the iteration, as `break` does: whoever waits for a batch gets none. */
  async return(): Promise<IteratorResult<Batch, undefined>> {
    this.#end();
    return DONE;
  }

  #fill(count: number): void {
    while (this.#inTheMaking.length < count) {
      const batch = this.#feed.next();
      if (!batch) return;
      // a failure is for the consumer who gets that far
      batch.catch(() => {});
      this.#inTheMaking.push(batch);
    }
  }

  #orClosed(batch: Promise<Batch | null>): Promise<Batch | null> {
    return new Promise((resolve, reject) => {
      const close = () => resolve(null);
      this.#waiting.add(close);
      batch.then(resolve, reject).finally(() => this.#waiting.delete(close));
    });
  }

  #end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#inTheMaking.length = 0;
    this.#feed.close();
    for (const close of this.#waiting) close();
  }
}
